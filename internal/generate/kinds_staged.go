package generate

import (
	"fmt"
	"maps"
	"strings"
	"sync"
)

// stagedKinds are the kinds of event that only the plot stages, by a name of
// their own: their templates take values that the plot fixes, ${@name}.
var stagedKinds = sync.OnceValue(func() map[string]*kind {
	kinds := map[string]*kind{
		"console-login": {service: "signin", name: "ConsoleLogin", version: "1.08", typ: typeSignIn, host: "signin.aws.amazon.com", response: `{"ConsoleLogin":"${@outcome}"}`,
			additional: `{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAUsed":"${@mfa}"}`},
		"create-user": {service: "iam", name: "CreateUser", host: "iam.amazonaws.com", request: `{"userName":"${@user}"}`,
			response: `{"user":{"path":"/","userName":"${@user}","userId":"${userid}","arn":"arn:aws:iam::${account}:user/${@user}","createDate":"${date}"}}`},
		"create-access-key": {service: "iam", name: "CreateAccessKey", host: "iam.amazonaws.com", request: `{"userName":"${@user}"}`,
			response: `{"accessKey":{"userName":"${@user}","accessKeyId":"${@key}","status":"Active","createDate":"${date}"}}`},
		"add-to-group":         {service: "iam", name: "AddUserToGroup", host: "iam.amazonaws.com", request: `{"groupName":"${@group}","userName":"${@user}"}`},
		"create-login-profile": {service: "iam", name: "CreateLoginProfile", host: "iam.amazonaws.com", request: `{"userName":"${@user}","passwordResetRequired":true}`, response: `{"loginProfile":{"userName":"${@user}","createDate":"${date}","passwordResetRequired":true}}`},
		"change-password":      {service: "iam", name: "ChangePassword", host: "iam.amazonaws.com"},
		"create-mfa":           {service: "iam", name: "CreateVirtualMFADevice", host: "iam.amazonaws.com", request: `{"virtualMFADeviceName":"${@user}","path":"/"}`, response: `{"virtualMFADevice":{"serialNumber":"arn:aws:iam::${account}:mfa/${@user}"}}`},
		"enable-mfa":           {service: "iam", name: "EnableMFADevice", host: "iam.amazonaws.com", request: `{"userName":"${@user}","serialNumber":"arn:aws:iam::${account}:mfa/${@user}"}`},
		"update-access-key":    {service: "iam", name: "UpdateAccessKey", host: "iam.amazonaws.com", request: `{"userName":"${@user}","accessKeyId":"${@key}","status":"${@status}"}`},
		"delete-access-key":    {service: "iam", name: "DeleteAccessKey", host: "iam.amazonaws.com", request: `{"userName":"${@user}","accessKeyId":"${@key}"}`},
		"schedule-key-deletion": {service: "kms", name: "ScheduleKeyDeletion", request: `{"keyId":"${@key}","pendingWindowInDays":${@days}}`, response: `{"keyId":"arn:aws:kms:${region}:${account}:key/${@key}","keyState":"PendingDeletion","pendingWindowInDays":${@days}}`,
			resources: `[{"accountId":"${account}","type":"AWS::KMS::Key","ARN":"arn:aws:kms:${region}:${account}:key/${@key}"}]`},
		"attach-user-policy": {service: "iam", name: "AttachUserPolicy", host: "iam.amazonaws.com", request: `{"userName":"${@user}","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}`},
		"run-group":          runKind(strings.NewReplacer("${group}", "${@group}", "t3.medium", "${@type}")),
		"run-many": runKind(strings.NewReplacer("${group}", "${@group}", "t3.medium", "${@type}", `"minCount":1,"maxCount":1`, `"minCount":${@count},"maxCount":${@count}`,
			`"httpTokens":"required"}}`, `"httpTokens":"optional"}}`)),
		"authorize-ingress": {service: "ec2", name: "AuthorizeSecurityGroupIngress",
			request:  `{"groupId":"${@group}","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":${@port},"toPort":${@port},"groups":{},"ipRanges":{"items":[{"cidrIp":"${@cidr}","description":"temporary"}]},"ipv6Ranges":{},"prefixListIds":{}}]}}`,
			response: `{"requestId":"${uuid#req}","_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"${account}","groupId":"${@group}","securityGroupRuleId":"sgr-${hex17}","description":"temporary","isEgress":false,"ipProtocol":"tcp","fromPort":${@port},"toPort":${@port},"cidrIpv4":"${@cidr}"}]}}`},
		"acl-entry": {service: "ec2", name: "CreateNetworkAclEntry", response: done,
			request: `{"networkAclId":"${acl}","ruleNumber":${@number},"egress":false,"ruleAction":"${@rule}","icmpTypeCode":{},"portRange":{${@ports}},"aclProtocol":"${@protocol}","cidrBlock":"${@cidr}"}`},
		"put-bucket-acl": {service: "s3", name: "PutBucketAcl", additional: transfer, host: "${@bucket}.s3.${region}.amazonaws.com",
			resources: `[{"accountId":"${account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::${@bucket}"}]`,
			request: `{"bucketName":"${@bucket}","Host":"${@bucket}.s3.${region}.amazonaws.com","acl":"","AccessControlPolicy":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","Owner":{"ID":"${hex64#owner}"},"AccessControlList":{"Grant":[` +
				`{"Grantee":{"xmlns:xsi":"http://www.w3.org/2001/XMLSchema-instance","xsi:type":"CanonicalUser","ID":"${hex64#owner}"},"Permission":"FULL_CONTROL"},` +
				`{"Grantee":{"xmlns:xsi":"http://www.w3.org/2001/XMLSchema-instance","xsi:type":"Group","URI":"${@group}"},"Permission":"${@permission}"}]}}}`},
		"get-object": {service: "s3", name: "GetObject", category: categoryData, read: true, additional: transfer, host: "${@bucket}.s3.${region}.amazonaws.com",
			request:   `{"bucketName":"${@bucket}","Host":"${@bucket}.s3.${region}.amazonaws.com","key":"${@key}"}`,
			resources: `[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::${@bucket}/${@key}"},{"accountId":"${account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::${@bucket}"}]`},
		"stop-logging": {service: "cloudtrail", name: "StopLogging", request: `{"name":"arn:aws:cloudtrail:us-east-1:${account}:trail/local-audit"}`},
		"share-snapshot": {service: "ec2", name: "ModifySnapshotAttribute", response: done,
			request: `{"snapshotId":"${snapshot}","createVolumePermission":{"add":{"items":[{"userId":"${@user}"}]}},"attributeType":"CREATE_VOLUME_PERMISSION"}`},
		"list-secrets": {service: "secretsmanager", name: "ListSecrets", read: true, request: `{"maxResults":100,"includePlannedDeletion":false}`},
		"get-secret":   {service: "secretsmanager", name: "GetSecretValue", read: true, request: `{"secretId":"arn:aws:secretsmanager:${region}:${account}:secret:${@secret}"}`},
		"assume-role": {service: "sts", name: "AssumeRole", version: "1.08", read: true,
			request:   `{"roleArn":"arn:aws:iam::${@account}:role/${@role}","roleSessionName":"${@session}","durationSeconds":3600}`,
			response:  `{` + issuedKey + `,"assumedRoleUser":{"assumedRoleId":"${@id}:${@session}","arn":"arn:aws:sts::${@account}:assumed-role/${@role}/${@session}"}}`,
			resources: `[{"accountId":"${@account}","type":"AWS::IAM::Role","ARN":"arn:aws:iam::${@account}:role/${@role}"}]`},
		"update-findings": {service: "securityhub", name: "BatchUpdateFindings", request: `{"FindingIdentifiers":` + listFindings("", "") + `,"Workflow":{"Status":"SUPPRESSED"},"Note":{"Text":"accepted until the next review","UpdatedBy":"posture-scan"}}`,
			response: `{"ProcessedFindings":[],"UnprocessedFindings":` + listFindings(`{"FindingIdentifier":`, `,"ErrorCode":"FindingNotFound","ErrorMessage":"The finding was not found, or its record is archived."}`) + `}`},
	}
	maps.Copy(kinds, shapeKinds())
	maps.Copy(kinds, sessionKinds())
	maps.Copy(kinds, attackKinds())
	for _, k := range kinds {
		if err := k.compile(); err != nil {
			panic(err) // the templates are constants; a test compiles them all
		}
	}
	return kinds
})

func runKind(r *strings.Replacer) *kind {
	return &kind{service: "ec2", name: "RunInstances", request: r.Replace(runRequest), response: r.Replace(runResponse)}
}

// listFindings names as many findings as the service takes in a call, each
// between before and after: they make the largest records of a trail.
func listFindings(before, after string) string {
	var b strings.Builder
	for i := range 100 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `%s{"Id":"arn:aws:securityhub:${region}:${account}:subscription/aws-foundational-security-best-practices/v/1.0.0/AutoScaling.%d/finding/${uuid#%d}","ProductArn":"arn:aws:securityhub:${region}::product/aws/securityhub"}%s`,
			before, i%9+1, i, after)
	}
	return "[" + b.String() + "]"
}

var tooManyCPUs = mustFault("Client.VcpuLimitExceeded", "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.", true)
