package event

import "strings"

// nouns say what kind of object the rest of an event's name stands for. They
// are tried from the longest ending that fits.
var nouns = map[string]string{
	"User": "user", "Users": "user", "LoginProfile": "user", "AccessKey": "user", "UserPolicy": "user", "MFADevice": "user", "VirtualMFADevice": "user", "SigningCertificate": "user", "SSHPublicKey": "user",
	"Group": "group", "UserToGroup": "group", "UserFromGroup": "group", "GroupPolicy": "group",
	"Role": "role", "RolePolicy": "role", "AssumeRolePolicy": "role", "InstanceProfile": "role", "RoleToInstanceProfile": "role", "RoleFromInstanceProfile": "role", "ServiceLinkedRole": "role",
	"Policy": "policy", "PolicyVersion": "policy", "DefaultPolicyVersion": "policy", "PasswordPolicy": "policy", "AccountPasswordPolicy": "policy", "KeyPolicy": "policy",
	"Instances": "instance", "Instance": "instance", "InstanceAttribute": "instance",
	"Bucket": "bucket", "BucketAcl": "bucket", "BucketPolicy": "bucket", "BucketLifecycle": "bucket", "BucketLogging": "bucket", "BucketVersioning": "bucket", "BucketEncryption": "bucket", "BucketPublicAccessBlock": "bucket", "PublicAccessBlock": "bucket", "BucketReplication": "bucket", "BucketWebsite": "bucket", "BucketCors": "bucket", "BucketTagging": "bucket", "BucketNotification": "bucket",
	"Object": "file", "Objects": "file", "ObjectAcl": "file",
	"Volume": "storage", "Snapshot": "storage", "SnapshotAttribute": "storage", "DBSnapshot": "storage", "DBClusterSnapshot": "storage",
	"SecurityGroup": "security_group", "SecurityGroupIngress": "security_group", "SecurityGroupEgress": "security_group", "SecurityGroupRules": "security_group",
	"NetworkAcl": "network_acl", "NetworkAclEntry": "network_acl", "NetworkAclAssociation": "network_acl",
	"Vpc": "vpc", "Subnet": "subnet", "RouteTable": "route", "Route": "route", "InternetGateway": "gateway", "NatGateway": "gateway", "VpcEndpoint": "vpc", "FlowLogs": "vpc", "NetworkInterface": "network_interface", "Address": "address",
	"Image": "image", "ImageAttribute": "image", "KeyPair": "key", "Key": "key", "Alias": "key", "Grant": "key",
	"Function": "function", "FunctionCode": "function", "FunctionConfiguration": "function", "FunctionCode20150331v2": "function", "FunctionConfiguration20150331v2": "function", "Function20150331": "function", "Permission": "function",
	"Trail": "trail", "Logging": "trail", "EventSelectors": "trail", "InsightSelectors": "trail",
	"Secret": "secret", "SecretValue": "secret", "Parameter": "secret", "Parameters": "secret",
	"DBInstance": "database", "DBCluster": "database", "Table": "database", "Stack": "stack", "Stacks": "stack", "Cluster": "cluster", "Service": "service", "Repository": "repository", "LogGroup": "log", "LogStream": "log", "Detector": "detector", "Rule": "rule", "Targets": "rule", "Queue": "queue", "Topic": "topic", "Certificate": "certificate", "Account": "account", "SAMLProvider": "identity_provider", "OpenIDConnectProvider": "identity_provider",
}

// changeOf gives the change type of a kind of object.
var changeOf = map[string]string{
	"user": "AAA", "group": "AAA", "role": "AAA", "policy": "AAA", "key": "AAA", "identity_provider": "AAA", "account": "AAA", "secret": "AAA", "certificate": "AAA",
	"security_group": "network", "network_acl": "network", "vpc": "network", "subnet": "network", "route": "network", "gateway": "network", "network_interface": "network", "address": "network",
	"instance": "EC2", "image": "EC2", "storage": "storage", "bucket": "storage", "file": "filesystem", "function": "lambda", "trail": "auditing", "log": "auditing", "detector": "auditing", "rule": "auditing", "database": "database", "stack": "cloudformation",
}

// changeOfService gives it where only the service is known.
var changeOfService = map[string]string{
	"iam": "AAA", "sts": "AAA", "signin": "AAA", "sso": "AAA", "organizations": "AAA", "kms": "AAA", "ec2": "EC2", "s3": "storage", "cloudtrail": "auditing", "logs": "auditing", "guardduty": "auditing", "config": "auditing", "rds": "database", "dynamodb": "database",
}

// noun returns an event's name less its verb.
func noun(name string) string { return name[len(verb(name)):] }

func category(name, source string) Cell {
	for n := noun(name); n != ""; n = n[len(verb(n)):] {
		if c := nouns[n]; c != "" {
			if n == "Group" && !strings.HasPrefix(source, "iam.") {
				break
			}
			return one(c)
		}
	}
	return Cell{}
}

// objectFields say what was acted on.
func objectFields() []Derived {
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
	return []Derived{
		{Name: "dest", Inputs: []string{"eventName", "eventSource", created, named, hosts, host, loginTo}, compute: destination,
			Doc: "What was acted on: the instance, the bucket's host, the place of a login, else the service."},
		{Name: "object", Inputs: []string{key, bucket, "requestParameters.userName", "requestParameters.groupName", "requestParameters.roleName", "requestParameters.policyArn", "requestParameters.functionName", "requestParameters.instanceId", created, named, "requestParameters.groupId", "requestParameters.name", "requestParameters.secretId", "requestParameters.keyId"}, compute: firstSet,
			Doc: "The name of the object acted on."},
		{Name: "object_id", Inputs: []string{resource, created, named, "requestParameters.groupId", "responseElements.groupId", "responseElements.networkAcl.networkAclId", "requestParameters.networkAclId", "responseElements.user.userId", "responseElements.role.roleId", bucket}, compute: firstSet,
			Doc: "The id of the object acted on: its ARN where the record says it."},
		{Name: "object_path", Inputs: []string{"requestParameters.path", key, bucket}, compute: firstSet, Doc: "The path of the object acted on."},
		{Name: "object_attrs", Inputs: []string{"requestParameters.attribute", "requestParameters.policyName", "requestParameters.policyArn", "requestParameters.attributeName"}, compute: firstSet, Doc: "What of the object was changed."},
		{Name: "instance_id", Inputs: []string{created, named, "requestParameters.instanceId"}, compute: firstSet, Doc: "The instances started or acted on."},
	}
}

func destination(in inputs) Cell {
	name := in.text(0)
	pick := func(cells ...int) Cell {
		for _, i := range cells {
			if in.set(i) {
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
