package generate

import "slices"

var machineAgents = []string{
	"aws-sdk-java/2.31.50 ua/2.1 os/Linux#6.1.134 lang/java#21.0.7",
	"Boto3/1.38.23 md/Botocore#1.38.23 os/linux#5.10.236 lang/python#3.13.3 exec-env/AWS_Lambda_python3.13",
	"aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.3 md/GOARCH#amd64",
	"aws-sdk-js/3.821.0 ua/2.1 os/linux#6.1.134 lang/js md/nodejs#22.15.0 exec-env/AWS_Lambda_nodejs22.x",
	"aws-sdk-go/1.55.7 (go1.24.3; linux; amd64) amazon-ssm-agent/3.3.2299.0",
}

var pipelineAgents = []string{
	"aws-sdk-js/3.821.0 ua/2.1 os/linux#6.11.0-1015-azure lang/js md/nodejs#20.19.1 configure-aws-credentials-for-github-actions",
	"APN/1.0 HashiCorp/1.0 Terraform/1.12.1 (+https://www.terraform.io) terraform-provider-aws/5.98.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.36.3 os/linux lang/go#1.23.8",
	"aws-cli/2.27.41 md/awscrt#0.26.1 ua/2.1 os/linux#6.11.0-1015-azure md/arch#x86_64 lang/python#3.13.3 exec-env/GitHubActions",
}

// serviceActor is an AWS service at work in the account: under a service-linked
// role, as itself (no role), or reporting an event of its own.
type serviceActor struct {
	service, role, session string
	event                  bool
	does                   *profile
}

var serviceActors = []serviceActor{
	{service: "config", role: "AWSServiceRoleForConfig", session: "AWSConfig-Describe", does: &profile{name: "config", throttled: 12, uses: []use{
		{"s3:GetBucketAcl", 10}, {"s3:GetBucketLocation", 8}, {"s3:GetBucketPolicy", 8}, {"s3:GetBucketTagging", 8}, {"s3:GetBucketVersioning", 8},
		{"s3:GetBucketLogging", 8}, {"s3:GetBucketNotification", 8}, {"s3:GetBucketLifecycle", 8}, {"s3:GetBucketEncryption", 8}, {"s3:GetBucketPublicAccessBlock", 8},
		{"s3:GetBucketReplication", 6}, {"s3:GetBucketWebsite", 6}, {"s3:GetBucketCors", 6}, {"ec2:DescribeSecurityGroups", 14}, {"ec2:DescribeNatGateways", 8},
		{"ec2:DescribeRouteTables", 8}, {"iam:ListAttachedRolePolicies", 18}, {"iam:GetRole", 18}, {"sns:GetTopicAttributes", 8}, {"elasticloadbalancing:DescribeLoadBalancers", 6}}}},
	{service: "lambda", does: &profile{name: "assume", uses: []use{{"sts:AssumeRole", 1}}}},
	{service: "autoscaling", role: "AWSServiceRoleForAutoScaling", session: "AutoScaling", does: &profile{name: "autoscaling", uses: []use{
		{"ec2:DescribeInstanceStatus", 20}, {"elasticloadbalancing:DescribeTargetHealth", 20}, {"ec2:RunInstances", 1}, {"ec2:TerminateInstances", 1}, {"elasticloadbalancing:RegisterTargets", 2}}}},
	{service: "logs", role: "CloudWatchLogsToStream", session: "logs-delivery", does: &profile{name: "logs", uses: []use{{"kms:GenerateDataKey", 1}}}},
	{service: "ecs", does: &profile{name: "assume", uses: []use{{"sts:AssumeRole", 1}}}},
	{service: "backup", role: "AWSServiceRoleForBackup", session: "AWSBackup-nightly", does: &profile{name: "backup", uses: []use{
		{"ec2:CreateSnapshot", 4}, {"ec2:DescribeSnapshots", 10}, {"ec2:DescribeVolumes", 8}, {"tagging:GetResources", 6}, {"dynamodb:DescribeTable", 4}}}},
	{service: "appsync", role: "AWSServiceRoleForAppSync", session: "xray-daemon-1748851277022439733", does: &profile{name: "xray", uses: []use{{"xray:GetSamplingRules", 1}}}},
	{service: "ec2", does: &profile{name: "assume", uses: []use{{"sts:AssumeRole", 1}}}},
	{service: "eks", role: "AWSServiceRoleForAmazonEKS", session: "EKS", does: &profile{name: "eks", uses: []use{
		{"ec2:DescribeInstances", 12}, {"ec2:DescribeSubnets", 12}, {"ec2:DescribeSecurityGroups", 10}, {"ec2:CreateNetworkInterface", 2}, {"ec2:DescribeNetworkInterfaces", 8}, {"ec2:CreateTags", 1}}}},
	{service: "ecs", role: "AWSServiceRoleForECS", session: "ecs-service-scheduler", does: &profile{name: "ecs", uses: []use{
		{"elasticloadbalancing:DescribeTargetHealth", 20}, {"elasticloadbalancing:RegisterTargets", 3}, {"ec2:CreateNetworkInterface", 3}, {"ec2:DescribeSecurityGroups", 6}, {"kms:CreateGrant", 1}}}},
	{service: "dlm", role: "AWSDataLifecycleManagerDefaultRole", session: "EBSLifecyclePolicy", does: &profile{name: "lifecycle", uses: []use{
		{"ec2:CreateSnapshot", 6}, {"ec2:DeleteSnapshot", 6}, {"ec2:DescribeSnapshots", 4}, {"ec2:CreateTags", 4}}}},
	{service: "rds", role: "AWSServiceRoleForRDS", session: "rds", does: &profile{name: "rds", uses: []use{{"ec2:DescribeSecurityGroups", 4}, {"kms:CreateGrant", 2}, {"ec2:DescribeVpcs", 3}, {"ec2:CreateNetworkInterface", 1}}}},
	{service: "backup", role: "-", event: true, does: &profile{name: "jobs", uses: []use{{"backup:BackupJobCompleted", 1}}}},
}

var (
	taskProfile = profile{name: "task", denied: 6, throttled: 5, uses: []use{
		{"s3:GetObject", 16}, {"s3:PutObject", 10}, {"s3:HeadObject", 5}, {"s3:ListObjects", 3}, {"kms:Decrypt", 22}, {"secretsmanager:GetSecretValue", 10},
		{"ssm:GetParameter", 12}, {"lambda:Invoke", 4}, {"dynamodb:DescribeTable", 10}, {"sqs:GetQueueAttributes", 9}, {"sts:GetCallerIdentity", 6},
		{"ecs:DescribeTasks", 8}, {"xray:GetSamplingRules", 14}, {"s3:GetBucketObjectLockConfiguration", 1}, {"bedrock:InvokeModel", 3}}}
	functionProfile = profile{name: "function", denied: 5, throttled: 8, uses: []use{
		{"logs:CreateLogStream", 30}, {"kms:Decrypt", 16}, {"lambda:Invoke", 10}, {"s3:GetObject", 8}, {"s3:PutObject", 6}, {"ssm:GetParameter", 12},
		{"secretsmanager:GetSecretValue", 6}, {"ec2:CreateNetworkInterface", 2}, {"ec2:DescribeNetworkInterfaces", 6}, {"sns:GetTopicAttributes", 4}, {"logs:DescribeLogStreams", 6}}}
	agentProfile = profile{name: "agent", denied: 8, throttled: 14, uses: []use{
		{"ssm:UpdateInstanceInformation", 34}, {"ec2:DescribeTags", 12}, {"ec2:DescribeInstances", 16}, {"ec2:DescribeVolumes", 9}, {"ec2:DescribeVolumeStatus", 5},
		{"ecr:GetAuthorizationToken", 6}, {"ecr:BatchGetImage", 4}, {"elasticloadbalancing:DescribeTargetHealth", 8}, {"autoscaling:DescribeAutoScalingGroups", 9},
		{"ec2:DescribeAvailabilityZones", 4}, {"eks:DescribeCluster", 6}, {"sts:AssumeRole", 2}, {"monitoring:DescribeAlarms", 4}}}
	pipelineProfile = profile{name: "pipeline", denied: 12, throttled: 18, uses: []use{
		{"sts:AssumeRoleWithWebIdentity", 3}, {"sts:GetCallerIdentity", 8}, {"ecr:GetAuthorizationToken", 5}, {"ecr:PutImage", 3}, {"ecs:RegisterTaskDefinition", 2},
		{"cloudformation:DescribeStacks", 14}, {"cloudformation:DescribeStackEvents", 16}, {"cloudformation:CreateChangeSet", 3}, {"cloudformation:ExecuteChangeSet", 3},
		{"lambda:GetFunction20150331v2", 12}, {"lambda:UpdateFunctionCode20150331v2", 3}, {"iam:GetRole", 12}, {"iam:PutRolePolicy", 1}, {"iam:GetPolicyVersion", 5},
		{"iam:ListAttachedRolePolicies", 5}, {"ec2:DescribeSecurityGroups", 8}, {"ec2:DescribeSubnets", 6}, {"ec2:DescribeVpcs", 5}, {"ec2:DescribeRouteTables", 4},
		{"ec2:DescribeLaunchTemplateVersions", 3}, {"ec2:CreateTags", 2}, {"s3:GetBucketPolicy", 3}, {"s3:GetBucketEncryption", 3}, {"s3:GetBucketTagging", 2}, {"kms:DescribeKey", 5},
		{"secretsmanager:DescribeSecret", 4}, {"monitoring:PutMetricAlarm", 2}, {"autoscaling:SetDesiredCapacity", 1}, {"elasticloadbalancing:RegisterTargets", 1}}}
	// Deployments change what exists, most of it after they have read it.
	changes = []use{
		{"iam:CreateRole", 4}, {"iam:DeleteRole", 1}, {"iam:TagRole", 2}, {"iam:AttachRolePolicy", 6}, {"iam:DetachRolePolicy", 1}, {"iam:PutRolePolicy", 4}, {"iam:CreatePolicy", 3}, {"iam:CreatePolicyVersion", 3},
		{"iam:DeletePolicyVersion", 3}, {"iam:UpdateAssumeRolePolicy", 2}, {"iam:CreateInstanceProfile", 1}, {"iam:AddRoleToInstanceProfile", 1},
		{"ec2:CreateSecurityGroup", 3}, {"ec2:AuthorizeSecurityGroupIngress", 5}, {"ec2:RevokeSecurityGroupIngress", 3}, {"ec2:CreateLaunchTemplateVersion", 2}, {"ec2:CreateSubnet", 1}, {"ec2:CreateRoute", 1}, {"ec2:ModifyInstanceAttribute", 1},
		{"ec2:CreateVolume", 1}, {"ec2:DeregisterImage", 1}, {"ec2:DeleteSnapshot", 1}, {"ec2:CreateImage", 1}, {"ec2:RunInstances", 2}, {"ec2:TerminateInstances", 2}, {"ec2:CreateTags", 4},
		{"s3:CreateBucket", 2}, {"s3:PutBucketPolicy", 3}, {"s3:PutBucketPublicAccessBlock", 3}, {"s3:PutBucketEncryption", 3}, {"s3:PutBucketVersioning", 2}, {"s3:PutBucketLifecycle", 2}, {"s3:PutBucketTagging", 2}, {"s3:PutBucketLogging", 1},
		{"kms:CreateKey", 1}, {"kms:CreateAlias", 1}, {"kms:EnableKeyRotation", 1}, {"kms:PutKeyPolicy", 1}, {"autoscaling:CreateAutoScalingGroup", 1}, {"autoscaling:UpdateAutoScalingGroup", 3}, {"elasticloadbalancing:ModifyListener", 2},
		{"lambda:CreateFunction20150331", 2}, {"lambda:UpdateFunctionConfiguration20150331v2", 4}, {"lambda:UpdateFunctionCode20150331v2", 4}, {"lambda:AddPermission20150331v2", 2}, {"lambda:PublishVersion20150331", 3},
		{"ecs:UpdateService", 4}, {"ecs:RegisterTaskDefinition", 4}, {"ecs:RunTask", 1}, {"eks:UpdateNodegroupVersion", 1}, {"rds:CreateDBSnapshot", 1}, {"rds:ModifyDBInstance", 1}, {"rds:DeleteDBSnapshot", 1}, {"dynamodb:UpdateContinuousBackups", 1},
		{"logs:CreateLogGroup", 2}, {"logs:PutRetentionPolicy", 2}, {"logs:DeleteLogGroup", 1}, {"events:PutRule", 2}, {"sns:Subscribe", 1}, {"sqs:SetQueueAttributes", 2}, {"secretsmanager:PutSecretValue", 1}, {"ssm:PutParameter", 2},
		{"route53:ChangeResourceRecordSets", 1}, {"config:PutConfigRule", 1}, {"monitoring:PutMetricAlarm", 3}}
	terraformProfile = profile{name: "terraform", denied: 10, throttled: 18, uses: slices.Concat(pipelineProfile.uses, changes)}
	stackProfile     = profile{name: "stack", denied: 4, throttled: 10, uses: slices.Concat(changes, []use{
		{"iam:GetRole", 20}, {"ec2:DescribeSecurityGroups", 12}, {"ec2:DescribeSubnets", 8}, {"lambda:GetFunction20150331v2", 10}, {"kms:DescribeKey", 8}, {"s3:GetBucketPolicy", 6}, {"elasticloadbalancing:DescribeTargetHealth", 8}})}
	consoleProfile = profile{name: "console", denied: 28, throttled: 6, uses: []use{
		{"ec2:DescribeInstances", 22}, {"ec2:DescribeInstanceStatus", 14}, {"ec2:DescribeSecurityGroups", 8}, {"ec2:DescribeVolumes", 6}, {"ec2:DescribeSnapshots", 4},
		{"ec2:DescribeInstanceAttribute", 4}, {"ec2:DescribeImages", 3}, {"ec2:DescribeSubnets", 3}, {"ec2:StartInstances", 1}, {"ec2:StopInstances", 1}, {"ec2:RunInstances", 1},
		{"s3:ListBuckets", 6}, {"s3:GetBucketAcl", 2}, {"s3:GetBucketPublicAccessBlock", 3}, {"s3:GetBucketVersioning", 3}, {"s3:GetBucketLocation", 4}, {"logs:DescribeLogGroups", 9}, {"logs:DescribeLogStreams", 6},
		{"logs:FilterLogEvents", 6}, {"logs:StartQuery", 7}, {"monitoring:DescribeAlarms", 18}, {"lambda:ListFunctions20150331", 5}, {"lambda:GetFunction20150331v2", 4},
		{"cloudformation:DescribeStacks", 6}, {"iam:ListRoles", 3}, {"iam:ListUsers", 2}, {"iam:GetAccountSummary", 2}, {"cloudtrail:LookupEvents", 2}, {"cloudtrail:DescribeTrails", 1},
		{"health:DescribeEventAggregates", 14}, {"ce:GetCostAndUsage", 3}, {"support:DescribeTrustedAdvisorCheckSummaries", 2}, {"securityhub:GetFindings", 2}, {"organizations:DescribeOrganization", 2}}}
	shellProfile = profile{name: "shell", denied: 34, throttled: 8, uses: []use{
		{"sts:GetCallerIdentity", 12}, {"ec2:DescribeInstances", 10}, {"s3:ListObjects", 6}, {"s3:GetObject", 7}, {"s3:PutObject", 3}, {"s3:HeadObject", 3}, {"logs:FilterLogEvents", 6},
		{"ssm:GetParameter", 6}, {"ssm:SendCommand", 1}, {"eks:DescribeCluster", 7}, {"ecr:GetAuthorizationToken", 4}, {"cloudformation:DescribeStacks", 5}, {"kms:Decrypt", 3}, {"iam:GetUser", 2},
		{"sts:AssumeRole", 3}, {"lambda:Invoke", 2}, {"ecs:DescribeTasks", 4}, {"dynamodb:DescribeTable", 4}}}
	keysProfile = profile{name: "keys", denied: 16, throttled: 10, uses: []use{
		{"ec2:DescribeInstances", 14}, {"ec2:DescribeVolumes", 6}, {"ec2:DescribeSnapshots", 4}, {"ec2:DescribeInstanceStatus", 8}, {"elasticloadbalancing:DescribeLoadBalancers", 8},
		{"elasticloadbalancing:DescribeTargetHealth", 8}, {"monitoring:DescribeAlarms", 14}, {"s3:PutObject", 3}, {"s3:GetObject", 3}, {"sts:GetCallerIdentity", 14}, {"sqs:GetQueueAttributes", 12},
		{"tagging:GetResources", 6}, {"iam:GetUser", 3}, {"autoscaling:DescribeAutoScalingGroups", 6}, {"sns:GetTopicAttributes", 8}, {"ecr:GetAuthorizationToken", 4}, {"logs:DescribeLogStreams", 5}, {"ec2:DescribeTags", 3}, {"ssm:GetParameter", 2}}}
	partnersProfile = profile{name: "partners", denied: 10, throttled: 10, uses: []use{
		{"sts:AssumeRole", 20}, {"kms:Decrypt", 10}, {"s3:GetObject", 14}, {"s3:ListObjects", 6}}}
)

// The posture scanner runs under a role of each account, from 2:00 and from 14:00 UTC.
const (
	scannerRole  = "posture-scan"
	scannerAgent = "Boto3/1.38.23 md/Botocore#1.38.23 md/awscrt#0.26.1 ua/2.1 os/linux#6.1.134 lang/python#3.12.9 md/pyimpl#CPython cfg/retry-mode#standard Botocore/1.38.23"
	scanHour     = 2
	scanLasts    = scanHour*hour + 40*60
)

func scannerProfile() *profile {
	_, uses := scanReads()
	return &profile{name: "scanner", denied: 130, throttled: 25, uses: uses}
}
