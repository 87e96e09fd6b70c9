package event

import "strings"

// nouns map the end of an event's name to the kind of object it affects. The
// longest matching ending wins.
var nouns = map[string]string{
	"User": "user", "Users": "user", "LoginProfile": "user", "AccessKey": "user", "UserPolicy": "user", "MFADevice": "user", "VirtualMFADevice": "user", "SigningCertificate": "user", "SSHPublicKey": "user", "Password": "user", "UserPermissionsBoundary": "user", "ServiceSpecificCredential": "user",
	"Group": "group", "UserToGroup": "group", "UserFromGroup": "group", "GroupPolicy": "group", "MemberToGroup": "group", "MemberFromGroup": "group",
	"Role": "role", "RolePolicy": "role", "AssumeRolePolicy": "role", "InstanceProfile": "role", "RoleToInstanceProfile": "role", "RoleFromInstanceProfile": "role", "ServiceLinkedRole": "role", "RolePermissionsBoundary": "role",
	"Policy": "policy", "PolicyVersion": "policy", "DefaultPolicyVersion": "policy", "PasswordPolicy": "policy", "AccountPasswordPolicy": "policy", "KeyPolicy": "policy",
	"Instances": "instance", "Instance": "instance", "InstanceAttribute": "instance",
	"Bucket": "bucket", "BucketAcl": "bucket", "BucketPolicy": "bucket", "BucketLifecycle": "bucket", "BucketLogging": "bucket", "BucketVersioning": "bucket", "BucketEncryption": "bucket", "BucketPublicAccessBlock": "bucket", "PublicAccessBlock": "bucket", "BucketReplication": "bucket", "BucketWebsite": "bucket", "BucketCors": "bucket", "BucketTagging": "bucket", "BucketNotification": "bucket",
	"Object": "file", "Objects": "file", "ObjectAcl": "file",
	"Volume": "storage", "Snapshot": "storage", "SnapshotAttribute": "storage", "DBSnapshot": "storage", "DBClusterSnapshot": "storage", "DBSnapshotAttribute": "storage", "FileSystem": "storage", "MountTarget": "storage",
	"SecurityGroup": "security_group", "SecurityGroupIngress": "security_group", "SecurityGroupEgress": "security_group", "SecurityGroupRules": "security_group",
	"NetworkAcl": "network_acl", "NetworkAclEntry": "network_acl", "NetworkAclAssociation": "network_acl",
	"Vpc": "vpc", "Subnet": "subnet", "RouteTable": "route", "Route": "route", "InternetGateway": "gateway", "NatGateway": "gateway", "VpcEndpoint": "vpc", "FlowLogs": "vpc", "NetworkInterface": "network_interface", "Address": "address",
	"Image": "image", "ImageAttribute": "image", "KeyPair": "key", "Key": "key", "Alias": "key", "Grant": "key",
	"Function": "function", "FunctionCode": "function", "FunctionConfiguration": "function", "FunctionUrlConfig": "function", "EventSourceMapping": "function", "LayerVersion": "function", "Permission": "function",
	"Trail": "trail", "Logging": "trail", "EventSelectors": "trail", "InsightSelectors": "trail",
	"Secret": "secret", "SecretValue": "secret", "Parameter": "secret", "Parameters": "secret",
	"DBInstance": "database", "DBCluster": "database", "Table": "database", "Stack": "stack", "Stacks": "stack", "Cluster": "cluster", "Service": "service", "Repository": "repository", "LogGroup": "log", "LogStream": "log", "Detector": "detector", "PublishingDestination": "detector", "ConfigurationRecorder": "recorder", "DeliveryChannel": "recorder", "MetricAlarm": "alarm", "Alarms": "alarm", "IPSet": "firewall", "WebACL": "firewall", "RuleGroup": "firewall", "FirewallPolicy": "firewall", "HostedZone": "zone", "ResourceRecordSets": "zone", "LaunchTemplate": "template", "AutoScalingGroup": "autoscaling_group", "Organization": "account", "Rule": "rule", "Targets": "rule", "Queue": "queue", "Topic": "topic", "Certificate": "certificate", "Account": "account", "SAMLProvider": "identity_provider", "OpenIDConnectProvider": "identity_provider",
}

// changeOf maps a kind of object to its change type.
var changeOf = map[string]string{
	"user": "AAA", "group": "AAA", "role": "AAA", "policy": "AAA", "key": "AAA", "identity_provider": "AAA", "account": "AAA", "secret": "AAA", "certificate": "AAA",
	"security_group": "network", "network_acl": "network", "vpc": "network", "subnet": "network", "route": "network", "gateway": "network", "network_interface": "network", "address": "network",
	"instance": "EC2", "image": "EC2", "storage": "storage", "bucket": "storage", "file": "filesystem", "function": "lambda", "trail": "auditing", "log": "auditing", "detector": "auditing", "recorder": "auditing", "alarm": "auditing", "rule": "auditing", "firewall": "network", "zone": "network", "template": "EC2", "autoscaling_group": "EC2", "database": "database", "stack": "cloudformation",
}

// changeOfService is the change type when only the service is known.
var changeOfService = map[string]string{
	"iam": "AAA", "sts": "AAA", "signin": "AAA", "sso": "AAA", "organizations": "AAA", "kms": "AAA", "ec2": "EC2", "s3": "storage", "cloudtrail": "auditing", "logs": "auditing", "guardduty": "auditing", "config": "auditing", "rds": "database", "dynamodb": "database",
}

// noun returns an event's name without its verb and without the API version
// that some names end in, as in UpdateFunctionCode20150331v2.
func noun(name string) string {
	name = name[len(verb(name)):]
	if i := strings.IndexAny(name, "0123456789"); i >= 0 && len(name)-i >= 8 && strings.Trim(name[i:i+4], "0123456789") == "" {
		name = name[:i]
	}
	return name
}

func category(name, source string) Cell {
	for n := noun(name); n != ""; n = n[len(verb(n)):] {
		if c := nouns[n]; c != "" {
			if n == "Group" && !strings.HasPrefix(source, "iam.") && !strings.HasPrefix(source, "sso-directory.") {
				break
			}
			return one(c)
		}
	}
	return Cell{}
}

// objectNames and objectIDs are where calls of each service name the object
// they act on, besides the most common places.
var (
	objectNames = []string{
		"requestParameters.instanceProfileName", "requestParameters.policyName", "requestParameters.sAMLProviderArn", "requestParameters.openIDConnectProviderArn", "requestParameters.virtualMFADeviceName", "requestParameters.serialNumber",
		"requestParameters.networkAclId", "requestParameters.vpcId", "requestParameters.subnetId", "requestParameters.routeTableId", "requestParameters.networkInterfaceId", "requestParameters.keyName",
		"requestParameters.imageId", "requestParameters.snapshotId", "requestParameters.volumeId", "requestParameters.dBInstanceIdentifier", "requestParameters.dBClusterIdentifier", "requestParameters.dBSnapshotIdentifier",
		"requestParameters.trailName", "requestParameters.logGroupName", "requestParameters.detectorId", "requestParameters.repositoryName", "requestParameters.tableName", "requestParameters.stackName", "requestParameters.clusterName",
		"requestParameters.aliasName", "requestParameters.topicArn", "requestParameters.queueUrl", "requestParameters.queueName", "requestParameters.certificateArn", "requestParameters.roleArn", "requestParameters.resourceArn", "requestParameters.resourceId",
		"responseElements.accessKey.userName", "requestParameters.allocationId", "requestParameters.natGatewayId", "requestParameters.internetGatewayId", "requestParameters.vpcPeeringConnectionId", "requestParameters.transitGatewayId",
		"requestParameters.targetGroupArn", "requestParameters.loadBalancerArn", "requestParameters.loadBalancerName", "requestParameters.autoScalingGroupName", "requestParameters.launchConfigurationName", "requestParameters.launchTemplateName", "requestParameters.CreateLaunchTemplateRequest.LaunchTemplateName", "requestParameters.CreateLaunchTemplateVersionRequest.LaunchTemplateId", "requestParameters.CreateLaunchTemplateVersionRequest.LaunchTemplateName",
		"requestParameters.resourcesSet.items{}.resourceId", "requestParameters.CreateFlowLogsRequest.ResourceId.content", "requestParameters.CreateFlowLogsRequest.ResourceId", "requestParameters.DeleteFlowLogsRequest.FlowLogId.content", "requestParameters.DeleteFlowLogsRequest.FlowLogId", "requestParameters.DeleteVpcEndpointsRequest.VpcEndpointId.content", "requestParameters.CreateVpcEndpointRequest.VpcId",
		"requestParameters.ModifyInstanceMetadataOptionsRequest.InstanceId", "requestParameters.AssociateIamInstanceProfileRequest.InstanceId", "requestParameters.target", "requestParameters.instanceIds{}", "requestParameters.documentName", "requestParameters.rule", "requestParameters.alarmName", "requestParameters.alarmNames{}", "requestParameters.configurationRecorderName", "requestParameters.configurationRecorder.name", "requestParameters.deliveryChannelName",
		"requestParameters.hostedZoneId", "requestParameters.domainName", "requestParameters.family", "requestParameters.serviceName", "requestParameters.service", "requestParameters.taskDefinition", "requestParameters.cluster", "requestParameters.stackSetName", "requestParameters.restApiId", "requestParameters.userPoolId", "requestParameters.identityPoolId",
		"requestParameters.permissionSetArn", "requestParameters.principalArn", "requestParameters.policyId", "requestParameters.targetId", "requestParameters.accountAlias", "requestParameters.accountName", "requestParameters.serverCertificateName", "requestParameters.url", "requestParameters.aWSServiceName",
		"requestParameters.modelId", "requestParameters.notebookInstanceName", "requestParameters.projectName", "requestParameters.jobName", "requestParameters.stateMachineArn", "requestParameters.streamName", "requestParameters.deliveryStreamName", "requestParameters.layerName",
		"requestParameters.recoveryPointArn", "requestParameters.backupVaultName", "requestParameters.fileSystemId", "requestParameters.clusterIdentifier", "requestParameters.cacheClusterId", "requestParameters.sourceSnapshotId", "requestParameters.dBClusterSnapshotIdentifier", "requestParameters.emailIdentity", "requestParameters.emailAddress", "requestParameters.identity",
		"responseElements.volumeId", "responseElements.publicIp", "responseElements.keyMetadata.keyId", "responseElements.vpc.vpcId", "responseElements.subnet.subnetId", "responseElements.detectorId",
	}
	objectIDs = []string{
		"requestParameters.instanceId", "requestParameters.imageId", "requestParameters.snapshotId", "responseElements.snapshotId", "requestParameters.volumeId", "responseElements.volumeId", "requestParameters.vpcId", "responseElements.vpc.vpcId", "requestParameters.subnetId", "responseElements.subnet.subnetId",
		"requestParameters.routeTableId", "requestParameters.networkInterfaceId", "requestParameters.accessKeyId", "responseElements.accessKey.accessKeyId", "responseElements.group.groupId", "requestParameters.policyArn", "responseElements.policy.arn", "requestParameters.serialNumber", "responseElements.virtualMFADevice.serialNumber",
		"requestParameters.sAMLProviderArn", "responseElements.functionArn", "responseElements.trailARN", "requestParameters.detectorId", "responseElements.detectorId", "requestParameters.keyId", "responseElements.keyMetadata.keyId", "responseElements.dBInstanceArn", "requestParameters.dBInstanceIdentifier",
		"requestParameters.secretId", "requestParameters.topicArn", "requestParameters.queueUrl", "requestParameters.certificateArn", "requestParameters.roleArn", "requestParameters.resourceArn", "requestParameters.resourceId",
	}
)

func init() { Register(group(GroupAddon, objectFields())...) }

// objectFields describe the object of the call.
func objectFields() []Field {
	const (
		bucket   = "requestParameters.bucketName"
		key      = "requestParameters.key"
		created  = "responseElements.instancesSet.items{}.instanceId"
		named    = "requestParameters.instancesSet.items{}.instanceId"
		hosts    = "requestParameters.host{}"
		host     = "requestParameters.Host"
		loginTo  = "additionalEventData.LoginTo"
		resource = "resources{}.ARN"
	)
	return []Field{
		{Name: "dest", From: []string{"eventName", "eventSource", created, named, hosts, host, loginTo}, Derive: destination,
			Doc: "The target: the instance, the bucket's host, the login endpoint, otherwise the service."},
		{Name: "object", From: append([]string{key, bucket, "requestParameters.userName", "requestParameters.groupName", "requestParameters.roleName", "requestParameters.policyArn", "requestParameters.functionName", "requestParameters.instanceId", created, named, "requestParameters.groupId", "requestParameters.name", "requestParameters.secretId", "requestParameters.keyId"}, objectNames...), Derive: firstSet,
			Doc: "The name of the object acted on."},
		{Name: "object_id", From: append([]string{resource, created, named, "requestParameters.groupId", "responseElements.groupId", "responseElements.networkAcl.networkAclId", "requestParameters.networkAclId", "responseElements.user.userId", "responseElements.role.roleId", bucket}, objectIDs...), Derive: firstSet,
			Doc: "The id of the object acted on: its ARN if the record has it."},
		{Name: "image_id", From: []string{"requestParameters.imageId", "requestParameters.instancesSet.items{}.imageId", "responseElements.instancesSet.items{}.imageId", "responseElements.imageId"}, Derive: firstSet,
			Doc: "The image that is changed or that instances are launched from."},
		{Name: "instance_type", From: []string{"requestParameters.instanceType", "requestParameters.instanceType.value", "responseElements.instancesSet.items{}.instanceType", "requestParameters.dBInstanceClass"}, Derive: firstSet,
			Doc: "The type of the instances."},
		{Name: "object_path", From: []string{"requestParameters.path", key, bucket}, Derive: firstSet, Doc: "The path of the object acted on."},
		{Name: "object_attrs", From: []string{"requestParameters.attribute", "requestParameters.policyName", "requestParameters.policyArn", "requestParameters.attributeName"}, Derive: firstSet, Doc: "The changed attributes of the object."},
		{Name: "instance_id", From: []string{created, named, "requestParameters.instanceId"}, Derive: firstSet, Doc: "The instances that are launched or acted on."},
	}
}

func destination(in Inputs) Cell {
	name := in.Text(0)
	pick := func(cells ...int) Cell {
		for _, i := range cells {
			if in.Set(i) {
				return *in[i]
			}
		}
		return *in[1]
	}
	switch {
	case name == "RunInstances":
		return pick(2)
	case name == "StartInstances" || name == "StopInstances" || name == "TerminateInstances" || name == "RebootInstances":
		return pick(3)
	case strings.HasSuffix(name, "Bucket") || strings.HasPrefix(name, "Put"):
		return pick(4, 5)
	case authenticates(name):
		return pick(6)
	}
	return *in[1]
}
