"""Monitoring: trail, alarms, AWS Config, findings and dashboards, one module each."""
