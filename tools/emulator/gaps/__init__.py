"""What moto 5.2.5 gets wrong and our stacks meet, put right inside the emulator's process only.

One module a service, one small function a gap, its docstring saying what AWS does instead. A new
gap is a new function in its service's module and a row below. Nothing here bends the product.
"""

from tools.emulator.gaps import access, awslambda, cloudtrail, ec2, rds, s3, secretsmanager, sqs

GAPS = (
    access.hold_issued_keys_to_their_policies,
    access.judge_bucket_policies_whole,
    awslambda.keep_the_whole_configuration,
    awslambda.leave_queues_to_whoever_reads_them,
    awslambda.offer_the_code_for_download,
    cloudtrail.delete_trails_by_their_arn,
    ec2.describe_rules_without_a_range,
    ec2.keep_destination_options_of_flow_logs,
    ec2.let_flow_logs_go_to_a_folder,
    rds.give_each_instance_its_own_resource_id,
    rds.issue_certificates_by_the_current_authority,
    rds.keep_performance_insights,
    rds.say_that_set_parameters_come_from_the_user,
    rds.tell_scaling_of_serverless_clusters_only,
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
)


def close_gaps() -> None:
    """Apply every gap's remedy; call once, in the emulator's process."""
    for close in GAPS:
        close()
