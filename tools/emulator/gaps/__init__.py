"""What moto 5.2.5 gets wrong and our stacks meet, put right inside the emulator's process only.

One module a service, one small function a gap, its docstring saying what AWS does instead. A new
gap is a new function in its service's module and a row below. Nothing here bends the product.
"""

from tools.emulator.gaps import (
    access,
    apigateway,
    autoscaling,
    awslambda,
    cloudtrail,
    ec2,
    elbv2,
    interfaces,
    rds,
    route53,
    s3,
    secretsmanager,
    sqs,
    ssm,
)

GAPS = (
    access.hold_issued_keys_to_their_policies,
    access.judge_bucket_policies_whole,
    apigateway.keep_the_link_of_an_integration,
    autoscaling.find_images_by_their_parameter,
    autoscaling.keep_a_templates_own_tags_out_of_its_data,
    autoscaling.keep_what_groups_are_told,
    autoscaling.launch_all_that_a_template_says,
    autoscaling.read_user_data_of_later_versions,
    autoscaling.refresh_instances,
    autoscaling.spread_instances_over_the_subnets,
    autoscaling.tell_whether_policies_are_enabled,
    awslambda.keep_the_whole_configuration,
    awslambda.leave_queues_to_whoever_reads_them,
    awslambda.offer_the_code_for_download,
    cloudtrail.delete_trails_by_their_arn,
    ec2.describe_key_pairs_beside_other_calls,
    ec2.describe_rules_without_a_range,
    ec2.keep_destination_options_of_flow_logs,
    ec2.let_flow_logs_go_to_a_folder,
    ec2.size_root_volumes_as_their_image,
    ec2.switch_detailed_monitoring,
    ec2.tell_the_security_groups_of_instances,
    elbv2.face_the_internet_unless_told_otherwise,
    elbv2.keep_whether_rules_hold_for_private_link,
    interfaces.leave_with_their_instance,
    interfaces.leave_with_their_nat_gateway,
    rds.choose_a_minor_version,
    rds.give_each_instance_its_own_resource_id,
    rds.issue_certificates_by_the_current_authority,
    rds.keep_performance_insights,
    rds.say_that_set_parameters_come_from_the_user,
    rds.tell_scaling_of_serverless_clusters_only,
    route53.begin_the_ids_of_zones_with_z,
    s3.keep_the_key_format_of_access_logs,
    s3.let_delete_markers_be_deleted,
    s3.refuse_destinations_it_may_not_send_to,
    s3.send_news_with_all_its_fields,
    s3.send_to_queues_that_allow_it,
    secretsmanager.follow_the_current_label,
    secretsmanager.keep_other_labels_when_current_moves,
    sqs.judge_queue_policies,
    sqs.keep_redrive_allow_policies,
    sqs.keep_what_an_update_does_not_name,
    sqs.move_dead_letters_back,
    sqs.switch_own_encryption_off_under_a_key,
    sqs.tell_redrive_policies_without_spaces,
    ssm.judge_each_parameter_that_is_read,
)


def close_gaps() -> None:
    """Apply every gap's remedy; call once, in the emulator's process."""
    for close in GAPS:
        close()
