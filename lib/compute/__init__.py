"""EC2 instances, Auto Scaling groups, load balancers and functions."""
