package event

import (
	"strings"
	"testing"
)

// identities are the userIdentity of the kinds of callers.
var identities = strings.NewReplacer(
	"«user»", `"userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE0000000001","arn":"arn:aws:iam::111122223333:user/team/ann","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE000000001","userName":"ann"}`,
	"«role»", `"userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE0000000001:i-0abc","arn":"arn:aws:sts::111122223333:assumed-role/web/i-0abc","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE000000001","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE0000000001","arn":"arn:aws:iam::111122223333:role/web","accountId":"111122223333","userName":"web"},"attributes":{"creationDate":"2026-03-02T08:00:00Z","mfaAuthenticated":"false"},"ec2RoleDelivery":"2.0"},"inScopeOf":{"issuerType":"AWS::EC2::Instance","credentialsIssuedTo":"arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc"}}`,
	"«person»", `"userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE0000000002:bo@example.com","arn":"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0011223344556677/bo@example.com","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE000000002","onBehalfOf":{"userId":"90f7-11","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1"},"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE0000000002","arn":"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0011223344556677","accountId":"111122223333","userName":"AWSReservedSSO_Admin_0011223344556677"},"attributes":{"creationDate":"2026-03-02T08:00:00Z","mfaAuthenticated":"false"},"sourceIdentity":"bo","signInSessionArn":"arn:aws:signin:eu-west-1:111122223333:session/0d9f"}}`,
	"«root»", `"userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":""}`,
	"«center»", `"userIdentity":{"type":"IdentityCenterUser","accountId":"111122223333","onBehalfOf":{"userId":"90f7-11","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1"},"credentialId":"c-1"}`,
	"«service»", `"userIdentity":{"type":"AWSService","invokedBy":"autoscaling.amazonaws.com"}`,
	"«other»", `"userIdentity":{"type":"AWSAccount","principalId":"AIDAEXAMPLE0000000009","accountId":"999988887777"}`,
	"«web»", `"userIdentity":{"type":"WebIdentityUser","principalId":"accounts.example.com:app:1","userName":"1","identityProvider":"accounts.example.com"}`,
	"«rest»", `"recipientAccountId":"111122223333","eventID":"6f9d5c0e-0000-4000-8000-000000000001","requestID":"r-1","readOnly":false,"managementEvent":true,"eventCategory":"Management","apiVersion":"2016-11-15","vpcEndpointId":"vpce-1","resources":[{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::pay"}],"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"s3.amazonaws.com","keyExchange":"X25519MLKEM768"}`,
	"«call»", `"eventVersion":"1.11","eventTime":"2026-03-02T09:10:11Z","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.15","eventType":"AwsApiCall"`,
	"«head»", `"eventVersion":"1.11","eventTime":"2026-03-02T09:10:11Z","awsRegion":"eu-west-1"`,
	"«from»", `"sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.15"`,
)

// shapes are records of every kind that CloudTrail writes.
var shapes = func() map[string]string {
	m := map[string]string{}
	for name, record := range map[string]string{
		"delete-bucket": `{«call»,«user»,"eventSource":"s3.amazonaws.com","eventName":"DeleteBucket","requestParameters":{"bucketName":"pay","Host":"pay.s3.amazonaws.com","host":["pay.s3.amazonaws.com"]},"responseElements":null,«rest»}`,
		"put-object":    `{«head»,"sourceIPAddress":"198.51.100.7","eventType":"AwsApiCall",«person»,"eventSource":"s3.amazonaws.com","eventName":"PutObject","requestParameters":{"bucketName":"pay","key":"a/b.csv","Host":"pay.s3.amazonaws.com"},"userAgent":["x","y"],«rest»}`,
		"run-instances": `{«call»,«role»,"eventSource":"ec2.amazonaws.com","eventName":"RunInstances","requestParameters":{"instancesSet":{"items":[{"imageId":"ami-1","minCount":1}]},"instanceType":"t3.small","imageId":"ami-1"},"responseElements":{"instancesSet":{"items":[{"instanceId":"i-1","imageId":"ami-1","instanceType":"t3.small"},{"instanceId":"i-2","imageId":"ami-1","instanceType":"t3.small"}]},"imageId":"ami-2"},«rest»}`,
		"terminate":     `{«call»,«user»,"eventSource":"ec2.amazonaws.com","eventName":"TerminateInstances","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-1"}]}},"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized",«rest»}`,
		"modify":        `{«call»,«user»,"eventSource":"ec2.amazonaws.com","eventName":"ModifyInstanceAttribute","requestParameters":{"instanceId":"i-1","attribute":"userData","instanceType":{"value":"m5.large"},"attributeName":"x"},«rest»}`,
		"login-failed":  `{«head»,«from»,"userIdentity":{"type":"IAMUser","accountId":"111122223333","accessKeyId":"","userName":"HIDDEN_DUE_TO_SECURITY_REASONS"},"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","eventType":"AwsConsoleSignIn","errorMessage":"Failed authentication","responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"LoginTo":"https://console.aws.amazon.com/","MFAUsed":"No"},«rest»}`,
		"login-person":  `{«head»,«from»,«person»,"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"LoginTo":"https://console.aws.amazon.com/","MFAUsed":"No"},«rest»}`,
		"login-root":    `{«head»,«from»,«root»,"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","eventType":"AwsConsoleSignIn","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"Yes"},«rest»}`,
		"check-mfa":     `{«head»,«from»,«root»,"eventSource":"signin.amazonaws.com","eventName":"CheckMfa","eventType":"AwsConsoleSignIn","additionalEventData":{"MFAUsed":"Yes"},«rest»}`,
		"mfa-failed":    `{«head»,«from»,«root»,"eventSource":"signin.amazonaws.com","eventName":"CheckMfa","eventType":"AwsConsoleSignIn","responseElements":{"CheckMfa":"Failure"},«rest»}`,
		"switch-failed": `{«head»,«from»,«user»,"eventSource":"signin.amazonaws.com","eventName":"SwitchRole","eventType":"AwsConsoleSignIn","responseElements":{"SwitchRole":"Failure"},«rest»}`,
		"center-failed": `{«head»,«from»,«center»,"eventSource":"signin.amazonaws.com","eventName":"CredentialVerification","eventType":"AwsServiceEvent","serviceEventDetails":{"CredentialVerification":"Failure"},«rest»}`,
		"center-user":   `{«head»,«from»,«center»,"eventSource":"signin.amazonaws.com","eventName":"UserAuthentication","eventType":"AwsServiceEvent","serviceEventDetails":{"UserAuthentication":"Failure"},«rest»}`,
		"cli":           `{«head»,"sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.17.32 md/prompt#off md/command#iam.create-access-key",«user»,"eventType":"AwsApiCall","eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","requestParameters":null,"responseElements":{"accessKey":{"userName":"ann"}},«rest»}`,
		"logout":        `{«call»,«user»,"eventSource":"signin.amazonaws.com","eventName":"Logout",«rest»}`,
		"assume-role":   `{«call»,«role»,"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"roleArn":"arn:aws:iam::444455556666:role/ops/deploy","roleSessionName":"ci"},"responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLE000000009"},"assumedRoleUser":{"arn":"arn:aws:sts::444455556666:assumed-role/deploy/ci"}},«rest»}`,
		"assume-other":  `{«call»,«other»,"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/ops/deploy","sourceIdentity":"cy"},«rest»}`,
		"assume-github": `{«call»,"userIdentity":{"type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:Example/web:ref:refs/heads/main","userName":"repo:Example/web:ref:refs/heads/main","identityProvider":"token.actions.githubusercontent.com"},"eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/ops/deploy"},"responseElements":{"subjectFromWebIdentityToken":"repo:Example/web:ref:refs/heads/main"},«rest»}`,
		"assume-web":    `{«call»,«web»,"eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithWebIdentity","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/ops/deploy"},«rest»}`,
		"create-user":   `{«call»,«role»,"eventSource":"iam.amazonaws.com","eventName":"CreateUser","requestParameters":{"userName":"eve"},"responseElements":{"user":{"userName":"eve","userId":"AIDAEXAMPLE0000000005","arn":"arn:aws:iam::111122223333:user/eve"}},«rest»}`,
		"update-user":   `{«call»,«user»,"eventSource":"iam.amazonaws.com","eventName":"UpdateUser","requestParameters":{"userName":"eve","newUserName":"eva"},«rest»}`,
		"delete-user":   `{«call»,«user»,"eventSource":"iam.amazonaws.com","eventName":"DeleteUser","requestParameters":{"userName":"eve"},«rest»}`,
		"attach-policy": `{«call»,«user»,"eventSource":"iam.amazonaws.com","eventName":"AttachUserPolicy","requestParameters":{"userName":"eve","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"},«rest»}`,
		"put-policy":    `{«call»,«user»,"eventSource":"iam.amazonaws.com","eventName":"PutGroupPolicy","requestParameters":{"groupName":"g","policyName":"p","path":"/x/"},«rest»}`,
		"create-role":   `{«call»,«user»,"eventSource":"iam.amazonaws.com","eventName":"CreateRole","requestParameters":{"roleName":"r"},"responseElements":{"role":{"roleId":"AROAEXAMPLE0000000007"}},«rest»}`,
		"denied":        `{«call»,"userIdentity":{"type":"AssumedRole","accountId":"111122223333"},"eventSource":"iam.amazonaws.com","eventName":"ListAccessKeys","errorCode":"AccessDenied","errorMessage":"User is not authorized to perform: iam:ListAccessKeys on resource: user fay because",«rest»}`,
		"list-aliases":  `{«call»,«role»,"eventSource":"kms.amazonaws.com","eventName":"ListAliases","requestParameters":{"keyId":"k-1"},«rest»}`,
		"ingress":       `{«call»,«user»,"eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupIngress","requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]},"ipv6Ranges":{"items":[{"cidrIpv6":"::/0"}]}}]}},«rest»}`,
		"egress":        `{«call»,«user»,"eventSource":"ec2.amazonaws.com","eventName":"AuthorizeSecurityGroupEgress","requestParameters":{"groupId":"sg-1","ipProtocol":"udp","fromPort":53,"toPort":54,"cidrIp":"192.0.2.0/24"},"responseElements":{"groupId":"sg-1"},«rest»}`,
		"acl-in":        `{«call»,«user»,"eventSource":"ec2.amazonaws.com","eventName":"CreateNetworkAclEntry","requestParameters":{"networkAclId":"acl-1","egress":false,"ruleAction":"allow","cidrBlock":"10.0.0.0/8","aclProtocol":"6","portRange":{"from":80,"to":81},"vpcId":"vpc-1"},"responseElements":{"networkAcl":{"networkAclId":"acl-1"}},«rest»}`,
		"acl-out":       `{«call»,«user»,"eventSource":"ec2.amazonaws.com","eventName":"ReplaceNetworkAclEntry","requestParameters":{"networkAclId":"acl-1","egress":true,"ruleAction":"deny","cidrBlock":"10.0.0.0/8","aclProtocol":"6","portRange":{"from":80,"to":81}},«rest»}`,
		"db":            `{«call»,«role»,"eventSource":"rds.amazonaws.com","eventName":"CreateDBInstance","requestParameters":{"dBInstanceClass":"db.t3.small","dBInstanceIdentifier":"d"},«rest»}`,
		"secret":        `{«call»,«role»,"eventSource":"secretsmanager.amazonaws.com","eventName":"GetSecretValue","requestParameters":{"secretId":"s","name":"n","functionName":"f"},«rest»}`,
		"by-service":    `{«head»,"eventType":"AwsApiCall",«service»,"eventSource":"ec2.amazonaws.com","eventName":"TerminateInstances","sourceIPAddress":"autoscaling.amazonaws.com","userAgent":"autoscaling.amazonaws.com",«rest»}`,
		"service-alone": `{«head»,"userAgent":"aws-cli/2.15","userIdentity":{"type":"AWSService"},"eventSource":"kms.amazonaws.com","eventName":"RotateKey","eventType":"AwsServiceEvent","sourceIPAddress":"kms.amazonaws.com",«rest»}`,
		"center":        `{«head»,«from»,«center»,"eventSource":"sso.amazonaws.com","eventName":"Federate","eventType":"AwsServiceEvent",«rest»}`,
		"network":       `{«head»,"userAgent":"aws-cli/2.15",«other»,"eventSource":"s3.amazonaws.com","eventName":"DeleteBucket","errorCode":"VpceAccessDenied","errorMessage":"The request was denied due to a VPC endpoint policy","sourceIPAddress":"10.0.0.9","eventType":"AwsVpceEvent","eventCategory":"NetworkActivity","vpcEndpointId":"vpce-1","vpcEndpointAccountId":"111122223333","sharedEventID":"6f9d5c0e-0000-4000-8000-000000000002","recipientAccountId":"111122223333","eventID":"6f9d5c0e-0000-4000-8000-000000000003"}`,
		"mcp":           `{«head»,«from»,«person»,"eventSource":"aws-mcp.amazonaws.com","eventName":"CallReadWriteTool","eventType":"AwsMcpEvent","requestParameters":{"method":"tools/call","params":{"name":"aws___call_aws"},"jsonrpc":"2.0","id":3},"additionalEventData":{"downstreamRequests":[{"apiName":"s3:ListBuckets","requestId":"r-2","awsRegion":"eu-west-1"}]},«rest»}`,
		"insight":       `{"eventVersion":"1.11","eventTime":"2026-03-02T09:10:00Z","awsRegion":"eu-west-1","eventID":"6f9d5c0e-0000-4000-8000-000000000004","eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333","insightDetails":{"state":"Start","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","insightType":"ApiCallRateInsight"},"eventCategory":"Insight"}`,
		"aggregated":    `{"eventVersion":"1.0","accountId":"111122223333","eventId":"6f9d5c0e-0000-4000-8000-000000000005","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","awsRegion":"eu-west-1","eventSource":"s3.amazonaws.com","timeWindow":{"windowStart":"2026-03-02T09:10:00Z","windowEnd":"2026-03-02T09:15:00Z","windowSize":"PT5M"},"summary":{"primaryDimension":{"dimension":"eventName","statistics":[{"name":"GetObject","value":812}],"aggregationType":"SUM"}}}`,
		"share":         `{«call»,«user»,"eventSource":"ec2.amazonaws.com","eventName":"ModifySnapshotAttribute","requestParameters":{"snapshotId":"snap-1","createVolumePermission":{"add":{"items":[{"userId":"444455556666"},{"group":"all"}]}}},«rest»}`,
		"omitted":       `{«call»,«user»,"eventSource":"iam.amazonaws.com","eventName":"PutUserPolicy","requestParameters":{"reason":"requestParameters too large","omitted":true,"originalSize":131072},"responseElements":{"reason":"responseElements too large","omitted":"true"},"additionalEventData":{"omitted":true},"serviceEventDetails":{"omitted":true},"edgeDeviceDetails":{"omitted":true},«rest»}`,
		"iam-group":     `{«call»,«user»,"eventSource":"iam.amazonaws.com","eventName":"CreateGroup","requestParameters":{"groupName":"g"},«rest»}`,
		"other-group":   `{«call»,«user»,"eventSource":"resource-groups.amazonaws.com","eventName":"CreateGroup","requestParameters":{"name":"g"},«rest»}`,
		"own-names":     `{«call»,«user»,"eventSource":"x.amazonaws.com","eventName":"Oddity","user":"own","src":"own","punct":"own","time":"own",«rest»}`,
	} {
		m[name] = identities.Replace(record)
	}
	return m
}()

// TestAddonFieldsOneByOne: each field has the add-on's value, or the one that
// docs/spl/differences.md describes where bluetrail differs. "-" means missing;
// several values are separated by a bar.
func TestAddonFieldsOneByOne(t *testing.T) {
	const deny = "Client.UnauthorizedOperation"
	seen := map[string]bool{}
	for field, want := range map[string]map[string]string{
		"action":                {"delete-bucket": "deleted", "put-object": "modified", "run-instances": "created", "terminate": "unknown", "login-failed": "failure", "login-root": "success", "assume-role": "success", "secret": "read", "own-names": "unknown", "insight": "-", "aggregated": "-"},
		"app":                   {"delete-bucket": "AwsApiCall", "network": "AwsVpceEvent", "insight": "AwsCloudTrailInsight"},
		"authentication_method": {"login-root": "MFA", "check-mfa": "MFA", "login-failed": "SFA", "list-aliases": "SFA", "assume-role": "SFA", "assume-other": "-", "delete-bucket": "-"},
		"aws_account_id":        {"delete-bucket": "111122223333", "assume-other": "111122223333", "by-service": "111122223333", "insight": "111122223333"},
		"change_type":           {"delete-bucket": "storage", "create-user": "AAA", "ingress": "network", "run-instances": "EC2", "secret": "-", "login-root": "-", "db": "database", "iam-group": "AAA", "other-group": "resource-groups"},
		"command":               {"delete-bucket": "DeleteBucket", "insight": "-"},
		"dest":                  {"delete-bucket": "pay.s3.amazonaws.com", "put-object": "pay.s3.amazonaws.com", "run-instances": "i-1|i-2", "terminate": "i-1", "login-failed": "https://console.aws.amazon.com/", "login-root": "signin.amazonaws.com", "create-user": "iam.amazonaws.com"},
		"dest_ip_range":         {"egress": "192.0.2.0/24", "acl-out": "10.0.0.0/8", "ingress": "-"},
		"dest_port_range":       {"ingress": "22-22", "acl-in": "80-81", "egress": "-"},
		"direction":             {"ingress": "Inbound", "egress": "Outbound", "acl-in": "Inbound", "acl-out": "Outbound", "modify": "-"},
		"dvc":                   {"delete-bucket": "s3.amazonaws.com"},
		"errorCode":             {"delete-bucket": "success", "terminate": deny, "login-failed": "failure", "login-root": "success", "network": "VpceAccessDenied", "insight": "-", "aggregated": "-"},
		"eventtype":             {"login-root": "aws_cloudtrail_auth|aws_cloudtrail_auth_privileged|aws_cloudtrail_multifactor_auth", "login-person": "aws_cloudtrail_auth|aws_cloudtrail_consolelogin_auth", "terminate": "aws_cloudtrail_change|aws_cloudtrail_endpoint_change|aws_cloudtrail_delete_events|aws_cloudtrail_errors|aws_cloudtrail_instance|aws_cloudtrail_ec2_events", "network": "aws_cloudtrail_errors|aws_cloudtrail_network_activity", "mcp": "aws_cloudtrail_mcp", "insight": "-", "aggregated": "-"},
		"image_id":              {"run-instances": "ami-1", "modify": "-"},
		"instance_id":           {"run-instances": "i-1|i-2", "modify": "i-1"},
		"instance_type":         {"run-instances": "t3.small", "modify": "m5.large", "db": "db.t3.small"},
		"msg":                   {"delete-bucket": "success", "terminate": deny, "login-failed": "success", "insight": "-"},
		"object":                {"delete-bucket": "pay", "put-object": "a/b.csv", "create-user": "eve", "run-instances": "i-1|i-2", "secret": "f", "cli": "ann"},
		"object_attrs":          {"modify": "userData", "put-policy": "p", "attach-policy": "arn:aws:iam::aws:policy/AdministratorAccess"},
		"object_category":       {"delete-bucket": "bucket", "create-user": "user", "run-instances": "instance", "ingress": "security_group", "acl-in": "network_acl", "own-names": "-"},
		"object_id":             {"delete-bucket": "arn:aws:s3:::pay"},
		"object_path":           {"put-object": "a/b.csv", "delete-bucket": "pay", "put-policy": "/x/"},
		"omitted":               {"omitted": "requestParameters|responseElements|serviceEventDetails|additionalEventData|edgeDeviceDetails", "delete-bucket": "-"},
		"outcome":               {"delete-bucket": "success", "terminate": "denied", "login-failed": "denied", "mfa-failed": "denied", "switch-failed": "denied", "center-failed": "denied", "center-user": "denied", "network": "denied", "insight": "-"},
		"product":               {"delete-bucket": "CloudTrail"},
		"protocol":              {"ingress": "tcp", "acl-in": "6", "egress": "udp"},
		"reason":                {"terminate": "You are not authorized", "delete-bucket": "-"},
		"region":                {"delete-bucket": "eu-west-1"},
		"result":                {"terminate": "You are not authorized"},
		"result_id":             {"terminate": deny, "delete-bucket": "-", "login-failed": "-"},
		"rule_action":           {"acl-in": "allow", "acl-out": "deny"},
		"signature":             {"delete-bucket": "DeleteBucket"},
		"src":                   {"delete-bucket": "198.51.100.7", "by-service": "autoscaling.amazonaws.com"},
		"src_ip":                {"delete-bucket": "198.51.100.7"},
		"src_ip_range":          {"ingress": "0.0.0.0/0", "acl-in": "10.0.0.0/8", "egress": "-"},
		"src_kind":              {"delete-bucket": "public", "network": "private", "insight": "-"},
		"src_port_range":        {"egress": "53-54", "acl-out": "80-81", "ingress": "-"},
		"src_user":              {"delete-bucket": "ann", "create-user": "web", "login-root": "root", "center": "90f7-11", "by-service": "-"},
		"src_user_id":           {"delete-bucket": "AIDAEXAMPLE0000000001"},
		"src_user_name":         {"delete-bucket": "ann", "assume-other": "cy"},
		"src_user_role":         {"run-instances": "web", "delete-bucket": "-"},
		"src_user_type":         {"delete-bucket": "IAMUser", "center": "IdentityCenterUser"},
		"start_time":            {"delete-bucket": "2026-03-02T09:10:11Z"},
		"status":                {"delete-bucket": "success", "terminate": "failure", "login-failed": "failure", "insight": "-", "aggregated": "-"},
		"tag":                   {"login-root": "authentication|cloud|privileged", "create-user": "change|account|management", "ingress": "change|network", "network": "error", "mcp": "-"},
		"temp_access_key":       {"assume-role": "ASIAEXAMPLE000000009"},
		"ua_command":            {"cli": "iam.create-access-key", "delete-bucket": "-"},
		"ua_tool":               {"cli": "aws-cli", "by-service": "AWS service", "insight": "-"},
		"ua_version":            {"cli": "2.17.32", "by-service": "-"},
		"user":                  {"delete-bucket": "ann", "create-user": "eve", "update-user": "eva", "delete-user": "eve", "attach-policy": "eve", "assume-role": "ci", "assume-other": "ops/deploy", "login-person": "bo@example.com", "login-failed": "HIDDEN_DUE_TO_SECURITY_REASONS", "login-root": "root", "put-object": "AWSReservedSSO_Admin_0011223344556677", "run-instances": "web", "secret": "i-0abc", "mcp": "bo", "denied": "fay", "center": "90f7-11", "by-service": "autoscaling.amazonaws.com", "network": "-", "insight": "-", "aggregated": "-"},
		"userName":              {"delete-bucket": "ann", "run-instances": "web", "login-root": "root", "assume-other": "cy", "center": "-"},
		"user_access_key":       {"delete-bucket": "AKIAEXAMPLE000000001", "login-root": ""},
		"user_agent":            {"delete-bucket": "aws-cli/2.15"},
		"user_arn":              {"delete-bucket": "arn:aws:iam::111122223333:user/team/ann", "assume-other": "arn:aws:iam::111122223333:role/ops/deploy"},
		"user_group_id":         {"delete-bucket": "111122223333"},
		"user_id":               {"delete-bucket": "AIDAEXAMPLE0000000001"},
		"user_name":             {"delete-bucket": "ann", "by-service": "autoscaling.amazonaws.com", "center": "90f7-11"},
		"user_role":             {"run-instances": "web", "assume-role": "arn:aws:sts::444455556666:assumed-role/deploy/ci", "assume-other": "arn:aws:iam::111122223333:role/ops/deploy"},
		"user_type":             {"delete-bucket": "IAMUser", "login-root": "Root", "center": "IdentityCenterUser", "network": "AWSAccount", "assume-web": "WebIdentityUser"},
		"vendor":                {"delete-bucket": "AWS"},
		"vendor_account":        {"delete-bucket": "111122223333", "assume-other": "999988887777", "insight": "111122223333"},
		"vendor_product":        {"delete-bucket": "AWS CloudTrail"},
		"vendor_region":         {"delete-bucket": "eu-west-1"},
		"vpc_id":                {"acl-in": "vpc-1"},
	} {
		seen[field] = true
		for shape, text := range want {
			record := []byte(shapes[shape])
			if len(record) == 0 {
				t.Fatalf("there is no shape %q", shape)
			}
			c, set := flat(t, record, &Meta{Sourcetype: Detect(record)})[field]
			if got := strings.Join(c.values(), "|"); set != (text != "-") || set && got != text {
				t.Errorf("%s of %s is %q (set %v), want %q", field, shape, got, set, text)
			}
		}
	}
	for _, f := range catalogue.derived {
		if !seen[f.Name] {
			t.Errorf("%s is not in the table", f.Name)
		}
	}
}

// TestShapesAreToldApart: only calls have the sourcetype of calls, and
// aggregates have no field that a search for calls reads.
func TestShapesAreToldApart(t *testing.T) {
	for name, record := range shapes {
		want := CloudTrail
		if name == "aggregated" {
			want = Aggregated
		}
		if got, identity := Detect([]byte(record)), Identify([]byte(record)); got != want || identity.Sourcetype != want || !identity.Given || !identity.Timed {
			t.Errorf("%s: %s, %+v", name, got, identity)
		}
	}
	for _, record := range []string{
		`{"eventVersion":"1.11","eventType":"AwsAggregatedEvent","eventId":"x"}`, `{"eventVersion":"1.0","eventCategory":"Aggregated"}`,
	} {
		if got, identity := Detect([]byte(record)), Identify([]byte(record)); got != Aggregated || identity.Sourcetype != Aggregated {
			t.Errorf("%s is %s and %s", record, got, identity.Sourcetype)
		}
	}
}
