package event

import (
	"strings"
	"testing"
)

// writeCalls are the write calls that trails have most of, with the parameters that
// name what they act on: call, parameters (or =response), object.
const writeCalls = `
CreateUser {"userName":"eve"} eve
DeleteUser {"userName":"eve"} eve
UpdateUser {"userName":"eve","newUserName":"eva"} eve
CreateLoginProfile {"userName":"eve","passwordResetRequired":false} eve
UpdateLoginProfile {"userName":"eve"} eve
CreateAccessKey {"userName":"eve"} eve
UpdateAccessKey {"userName":"eve","accessKeyId":"AKIAEXAMPLE","status":"Inactive"} eve
DeleteAccessKey {"userName":"eve","accessKeyId":"AKIAEXAMPLE"} eve
AttachUserPolicy {"userName":"eve","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"} eve
PutUserPolicy {"userName":"eve","policyName":"p","policyDocument":"{}"} eve
AddUserToGroup {"userName":"eve","groupName":"admins"} eve
CreateGroup {"groupName":"admins"} admins
AttachGroupPolicy {"groupName":"admins","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"} admins
PutGroupPolicy {"groupName":"admins","policyName":"p"} admins
CreateRole {"roleName":"deploy","assumeRolePolicyDocument":"{}"} deploy
DeleteRole {"roleName":"deploy"} deploy
AttachRolePolicy {"roleName":"deploy","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"} deploy
PutRolePolicy {"roleName":"deploy","policyName":"p"} deploy
UpdateAssumeRolePolicy {"roleName":"deploy","policyDocument":"{}"} deploy
CreateInstanceProfile {"instanceProfileName":"web"} web
CreatePolicy {"policyName":"p","policyDocument":"{}"} p
CreatePolicyVersion {"policyArn":"arn:aws:iam::111122223333:policy/p","setAsDefault":true} arn:aws:iam::111122223333:policy/p
SetDefaultPolicyVersion {"policyArn":"arn:aws:iam::111122223333:policy/p","versionId":"v2"} arn:aws:iam::111122223333:policy/p
DeactivateMFADevice {"userName":"eve","serialNumber":"arn:aws:iam::111122223333:mfa/eve"} eve
CreateVirtualMFADevice {"virtualMFADeviceName":"eve"} eve
DeleteVirtualMFADevice {"serialNumber":"arn:aws:iam::111122223333:mfa/eve"} arn:aws:iam::111122223333:mfa/eve
CreateSAMLProvider {"name":"idp"} idp
UpdateSAMLProvider {"sAMLProviderArn":"arn:aws:iam::111122223333:saml-provider/idp"} arn:aws:iam::111122223333:saml-provider/idp
CreateOpenIDConnectProvider {"url":"https://idp.example"} https://idp.example
CreateAccountAlias {"accountAlias":"acme"} acme
CreateServiceLinkedRole {"aWSServiceName":"ecs.amazonaws.com"} ecs.amazonaws.com
AssumeRole {"roleArn":"arn:aws:iam::111122223333:role/deploy","roleSessionName":"ci"} arn:aws:iam::111122223333:role/deploy
RunInstances ={"instancesSet":{"items":[{"instanceId":"i-01"}]}} i-01
TerminateInstances {"instancesSet":{"items":[{"instanceId":"i-01"}]}} i-01
StopInstances {"instancesSet":{"items":[{"instanceId":"i-01"}]}} i-01
StartInstances {"instancesSet":{"items":[{"instanceId":"i-01"}]}} i-01
RebootInstances {"instancesSet":{"items":[{"instanceId":"i-01"}]}} i-01
ModifyInstanceAttribute {"instanceId":"i-01","userData":"x"} i-01
ModifyInstanceMetadataOptions {"ModifyInstanceMetadataOptionsRequest":{"InstanceId":"i-01"}} i-01
AssociateIamInstanceProfile {"AssociateIamInstanceProfileRequest":{"InstanceId":"i-01"}} i-01
CreateSecurityGroup {"groupName":"web","vpcId":"vpc-1"} web
DeleteSecurityGroup {"groupId":"sg-1"} sg-1
AuthorizeSecurityGroupIngress {"groupId":"sg-1"} sg-1
AuthorizeSecurityGroupEgress {"groupId":"sg-1"} sg-1
RevokeSecurityGroupIngress {"groupId":"sg-1"} sg-1
CreateNetworkAclEntry {"networkAclId":"acl-1"} acl-1
ReplaceNetworkAclEntry {"networkAclId":"acl-1"} acl-1
CreateKeyPair {"keyName":"k"} k
ImportKeyPair {"keyName":"k"} k
CreateVolume ={"volumeId":"vol-1"} vol-1
DeleteVolume {"volumeId":"vol-1"} vol-1
CreateSnapshot {"volumeId":"vol-1"} vol-1
DeleteSnapshot {"snapshotId":"snap-1"} snap-1
ModifySnapshotAttribute {"snapshotId":"snap-1","attributeType":"CREATE_VOLUME_PERMISSION"} snap-1
CopySnapshot {"sourceSnapshotId":"snap-1"} snap-1
ModifyImageAttribute {"imageId":"ami-1"} ami-1
DeregisterImage {"imageId":"ami-1"} ami-1
CreateTags {"resourcesSet":{"items":[{"resourceId":"i-01"}]}} i-01
DeleteTags {"resourcesSet":{"items":[{"resourceId":"i-01"}]}} i-01
CreateVpc ={"vpc":{"vpcId":"vpc-1"}} vpc-1
DeleteVpc {"vpcId":"vpc-1"} vpc-1
CreateSubnet {"vpcId":"vpc-1"} vpc-1
CreateRoute {"routeTableId":"rtb-1"} rtb-1
ReplaceRoute {"routeTableId":"rtb-1"} rtb-1
AttachInternetGateway {"internetGatewayId":"igw-1"} igw-1
CreateFlowLogs {"CreateFlowLogsRequest":{"ResourceId":{"content":"vpc-1"}}} vpc-1
DeleteFlowLogs {"DeleteFlowLogsRequest":{"FlowLogId":{"content":"fl-1"}}} fl-1
AllocateAddress ={"publicIp":"198.51.100.7"} 198.51.100.7
CreateBucket {"bucketName":"b"} b
DeleteBucket {"bucketName":"b"} b
PutBucketPolicy {"bucketName":"b"} b
DeleteBucketPolicy {"bucketName":"b"} b
PutBucketAcl {"bucketName":"b"} b
PutBucketVersioning {"bucketName":"b"} b
PutBucketLifecycle {"bucketName":"b"} b
PutBucketPublicAccessBlock {"bucketName":"b"} b
DeleteBucketEncryption {"bucketName":"b"} b
PutObject {"bucketName":"b","key":"a/b.txt"} a/b.txt
DeleteObject {"bucketName":"b","key":"a/b.txt"} a/b.txt
CopyObject {"bucketName":"b","key":"a/b.txt"} a/b.txt
CreateTrail {"name":"main"} main
DeleteTrail {"name":"main"} main
StopLogging {"name":"main"} main
UpdateTrail {"name":"main"} main
PutEventSelectors {"trailName":"main"} main
CreateFunction20150331 {"functionName":"f"} f
UpdateFunctionCode20150331v2 {"functionName":"f"} f
UpdateFunctionConfiguration20150331v2 {"functionName":"f"} f
AddPermission20150331v2 {"functionName":"f","principal":"*"} f
DeleteFunction20150331 {"functionName":"f"} f
CreateKey ={"keyMetadata":{"keyId":"1234abcd"}} 1234abcd
ScheduleKeyDeletion {"keyId":"1234abcd","pendingWindowInDays":7} 1234abcd
DisableKey {"keyId":"1234abcd"} 1234abcd
PutKeyPolicy {"keyId":"1234abcd","policyName":"default"} 1234abcd
CreateGrant {"keyId":"1234abcd","granteePrincipal":"x"} 1234abcd
CreateAlias {"aliasName":"alias/a"} alias/a
CreateSecret {"name":"db"} db
PutSecretValue {"secretId":"db"} db
DeleteSecret {"secretId":"db"} db
PutParameter {"name":"/db/password","type":"SecureString"} /db/password
SendCommand {"documentName":"AWS-RunShellScript","instanceIds":["i-01"]} i-01
StartSession {"target":"i-01"} i-01
CreateDBInstance {"dBInstanceIdentifier":"db1"} db1
ModifyDBInstance {"dBInstanceIdentifier":"db1"} db1
DeleteDBInstance {"dBInstanceIdentifier":"db1"} db1
CreateDBSnapshot {"dBInstanceIdentifier":"db1","dBSnapshotIdentifier":"s1"} db1
ModifyDBSnapshotAttribute {"dBSnapshotIdentifier":"s1"} s1
CreateTable {"tableName":"t"} t
DeleteTable {"tableName":"t"} t
CreateStack {"stackName":"st"} st
DeleteStack {"stackName":"st"} st
UpdateStack {"stackName":"st"} st
CreateDetector ={"detectorId":"d1"} d1
DeleteDetector {"detectorId":"d1"} d1
UpdateDetector {"detectorId":"d1"} d1
StopConfigurationRecorder {"configurationRecorderName":"default"} default
DeleteConfigurationRecorder {"configurationRecorderName":"default"} default
CreateLogGroup {"logGroupName":"/a"} /a
DeleteLogGroup {"logGroupName":"/a"} /a
PutRetentionPolicy {"logGroupName":"/a"} /a
CreateLogStream {"logGroupName":"/a","logStreamName":"s"} /a
RunTask {"cluster":"c","taskDefinition":"td:1"} td:1
RegisterTaskDefinition {"family":"td"} td
CreateCluster {"clusterName":"c"} c
PutImage {"repositoryName":"r"} r
CreateRepository {"repositoryName":"r"} r
PutRule {"name":"nightly"} nightly
PutTargets {"rule":"nightly"} nightly
DeleteAlarms {"alarmNames":["cpu"]} cpu
ChangeResourceRecordSets {"hostedZoneId":"Z1"} Z1
CreateQueue {"queueName":"q"} q
Subscribe {"topicArn":"arn:aws:sns:us-east-1:111122223333:t"} arn:aws:sns:us-east-1:111122223333:t
CreateAutoScalingGroup {"autoScalingGroupName":"asg"} asg
CreateLoadBalancer {"name":"lb"} lb
`

func TestObjectOfWriteCalls(t *testing.T) {
	x := NewExtractor([]string{"object"})
	row := x.NewRow()
	names := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(writeCalls), "\n") {
		f := strings.Fields(line)
		name, params, want := f[0], f[1], f[len(f)-1]
		names[name] = true
		part := `"requestParameters":` + params
		if response, ok := strings.CutPrefix(params, "="); ok {
			part = `"requestParameters":null,"responseElements":` + response
		}
		raw := []byte(`{"eventVersion":"1.09","eventName":"` + name + `","eventSource":"x.amazonaws.com","readOnly":false,` + part + `}`)
		if err := x.Extract(raw, &Meta{Sourcetype: CloudTrail}, row); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(row.Cell(0).values(), ","); got != want {
			t.Errorf("%s: object %q, want %q", name, got, want)
		}
	}
	if len(names) < 100 {
		t.Errorf("%d calls", len(names))
	}
}
