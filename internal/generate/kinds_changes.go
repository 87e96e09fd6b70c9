package generate

// What deployments change. A deployment names the things that exist in the lane,
// and new ones by a stack and eight digits.
const (
	trustService = `{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}`
	policyNarrow = `{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:PutObject\"],\"Resource\":\"arn:aws:s3:::${bucket}/*\"},{\"Effect\":\"Allow\",\"Action\":\"kms:Decrypt\",\"Resource\":\"arn:aws:kms:${region}:${account}:key/${key}\"}]}`
	newRole      = "${stack}-${hex8#role}"
	newBucket    = "nwf-${stack}-${hex8#bucket}"
	newBucketS3  = newBucket + ".s3.${region}.amazonaws.com"
)

func change(service, name, request, response string) kind {
	return kind{service: service, name: name, request: request, response: response}
}

func iamChange(name, request, response string) kind {
	return kind{service: "iam", name: name, global: true, host: "iam.amazonaws.com", request: request, response: response}
}

// bucketChange is a change of a bucket's configuration; rest follows the bucket's name in the request.
func bucketChange(name, action, rest string) kind {
	return kind{service: "s3", name: name, action: action, host: hostS3, additional: transfer, resources: bucketResource,
		request: `{"bucketName":"${bucket}","Host":"` + hostS3 + `",` + rest + `}`}
}

var changeKinds = []kind{
	iamChange("CreateRole", `{"path":"/","roleName":"`+newRole+`","assumeRolePolicyDocument":"`+trustService+`","description":"managed by the pipeline","maxSessionDuration":3600}`,
		`{"role":{"path":"/","roleName":"`+newRole+`","roleId":"AROA${hex17}","arn":"arn:aws:iam::${account}:role/`+newRole+`","createDate":"${date}"}}`),
	iamChange("DeleteRole", `{"roleName":"`+newRole+`"}`, ""),
	iamChange("TagRole", `{"roleName":"${role}","tags":[{"key":"Service","value":"${repository}"}]}`, ""),
	iamChange("AttachRolePolicy", `{"roleName":"${role}","policyArn":"arn:aws:iam::${account}:policy/${stack}-deploy"}`, ""),
	iamChange("DetachRolePolicy", `{"roleName":"${role}","policyArn":"arn:aws:iam::${account}:policy/${stack}-deploy"}`, ""),
	iamChange("CreatePolicy", `{"policyName":"${stack}-${hex8}","policyDocument":"`+policyNarrow+`"}`,
		`{"policy":{"policyName":"${stack}-${hex8}","policyId":"ANPA${hex17}","arn":"arn:aws:iam::${account}:policy/${stack}-${hex8}","path":"/","defaultVersionId":"v1","attachmentCount":0,"isAttachable":true,"createDate":"${date}"}}`),
	iamChange("CreatePolicyVersion", `{"policyArn":"arn:aws:iam::${account}:policy/${stack}-deploy","policyDocument":"`+policyNarrow+`","setAsDefault":true}`,
		`{"policyVersion":{"versionId":"v${octet}","isDefaultVersion":true,"createDate":"${date}"}}`),
	iamChange("DeletePolicyVersion", `{"policyArn":"arn:aws:iam::${account}:policy/${stack}-deploy","versionId":"v${octet}"}`, ""),
	iamChange("UpdateAssumeRolePolicy", `{"roleName":"${role}","policyDocument":"`+trustService+`"}`, ""),
	iamChange("CreateInstanceProfile", `{"instanceProfileName":"${stack}-${hex8}"}`,
		`{"instanceProfile":{"path":"/","instanceProfileName":"${stack}-${hex8}","instanceProfileId":"AIPA${hex17}","arn":"arn:aws:iam::${account}:instance-profile/${stack}-${hex8}","createDate":"${date}","roles":[]}}`),
	iamChange("AddRoleToInstanceProfile", `{"instanceProfileName":"${stack}-${hex8}","roleName":"${role}"}`, ""),

	change("ec2", "CreateSecurityGroup", `{"groupName":"${stack}-${hex8}","groupDescription":"managed by the pipeline","vpcId":"${vpc}"}`, `{"requestId":"${uuid#req}","_return":true,"groupId":"sg-${hex17}"}`),
	{service: "ec2", name: "AuthorizeSecurityGroupIngress", request: `{"groupId":"${group}","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":${webport},"toPort":${webport},"groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0","description":"load balancer"}]},"ipv6Ranges":{"items":[{"cidrIpv6":"::/0","description":"load balancer"}]},"prefixListIds":{}}]}}`,
		response: `{"requestId":"${uuid#req}","_return":true,"securityGroupRuleSet":{"items":[{"groupOwnerId":"${account}","groupId":"${group}","securityGroupRuleId":"sgr-${hex17}","description":"load balancer","isEgress":false,"ipProtocol":"tcp","fromPort":${webport},"toPort":${webport},"cidrIpv4":"0.0.0.0/0"}]}}`},
	change("ec2", "RevokeSecurityGroupIngress", `{"groupId":"${group}","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":5432,"toPort":5432,"groups":{"items":[{"groupId":"${group#2}"}]},"ipRanges":{},"ipv6Ranges":{},"prefixListIds":{}}]}}`, done),
	change("ec2", "CreateLaunchTemplateVersion", `{"CreateLaunchTemplateVersionRequest":{"LaunchTemplateId":"lt-${hex17}","LaunchTemplateData":{"ImageId":"${image}","InstanceType":"m6i.large","UserData":"<sensitiveDataRemoved>"},"ClientToken":"${uuid}"}}`,
		`{"CreateLaunchTemplateVersionResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"${uuid#req}","launchTemplateVersion":{"launchTemplateId":"lt-${hex17}","versionNumber":${small},"defaultVersion":false}}}`),
	change("ec2", "CreateSubnet", `{"vpcId":"${vpc}","cidrBlock":"10.0.${octet}.0/24","availabilityZone":"${az}","tagSpecificationSet":{}}`, `{"requestId":"${uuid#req}","subnet":{"subnetId":"subnet-${hex17}","vpcId":"${vpc}","cidrBlock":"10.0.${octet}.0/24","state":"available","availabilityZone":"${az}"}}`),
	change("ec2", "CreateRoute", `{"routeTableId":"rtb-${hex17}","destinationCidrBlock":"0.0.0.0/0","natGatewayId":"nat-${hex17#n}"}`, done),
	change("ec2", "ModifyInstanceAttribute", `{"instanceId":"${instance}","groupSet":{"items":[{"groupId":"${group}"}]}}`, done),
	change("ec2", "CreateVolume", `{"size":"${small}","zone":"${az}","volumeType":"gp3","encrypted":true,"tagSpecificationSet":{}}`, `{"requestId":"${uuid#req}","volumeId":"vol-${hex17}","size":"${small}","status":"creating","encrypted":true}`),
	change("ec2", "DeleteSnapshot", `{"snapshotId":"${snapshot}","force":false}`, done),
	change("ec2", "DeregisterImage", `{"imageId":"${image}","dryRun":false}`, done),
	change("ec2", "CreateImage", `{"instanceId":"${instance}","name":"${stack}-${hex8}","noReboot":true}`, `{"requestId":"${uuid#req}","imageId":"ami-${hex17}"}`),

	{service: "s3", name: "CreateBucket", host: newBucketS3, additional: transfer, resources: `[{"accountId":"${account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::` + newBucket + `"}]`,
		request: `{"CreateBucketConfiguration":{"LocationConstraint":"${region}","xmlns":"http://s3.amazonaws.com/doc/2006-03-01/"},"bucketName":"` + newBucket + `","Host":"` + newBucketS3 + `"}`},
	bucketChange("PutBucketPolicy", "", `"policy":"","bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"tls","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::${bucket}/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`),
	bucketChange("PutBucketPublicAccessBlock", "", `"publicAccessBlock":"","PublicAccessBlockConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","RestrictPublicBuckets":true,"BlockPublicPolicy":true,"BlockPublicAcls":true,"IgnorePublicAcls":true}`),
	bucketChange("PutBucketEncryption", "PutEncryptionConfiguration", `"encryption":"","ServerSideEncryptionConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","Rule":{"BucketKeyEnabled":true,"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"arn:aws:kms:${region}:${account}:key/${key}"}}}`),
	bucketChange("PutBucketVersioning", "", `"versioning":"","VersioningConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","Status":"Enabled"}`),
	bucketChange("PutBucketLifecycle", "PutLifecycleConfiguration", `"lifecycle":"","LifecycleConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","Rule":{"ID":"archive","Status":"Enabled","Filter":{"Prefix":""},"Expiration":{"Days":730},"NoncurrentVersionExpiration":{"NoncurrentDays":90}}}`),
	bucketChange("PutBucketTagging", "", `"tagging":"","Tagging":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","TagSet":{"Tag":{"Key":"Service","Value":"${repository}"}}}`),
	bucketChange("PutBucketLogging", "", `"logging":"","BucketLoggingStatus":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","LoggingEnabled":{"TargetBucket":"${bucket#log}","TargetPrefix":"access/"}}`),

	{service: "kms", name: "CreateKey", request: `{"bypassPolicyLockoutSafetyCheck":false,"customerMasterKeySpec":"SYMMETRIC_DEFAULT","description":"${stack}","keySpec":"SYMMETRIC_DEFAULT","keyUsage":"ENCRYPT_DECRYPT","multiRegion":false,"origin":"AWS_KMS","policy":"","tags":[]}`,
		response: `{"keyMetadata":{"aWSAccountId":"${account}","keyId":"${uuid#key}","arn":"arn:aws:kms:${region}:${account}:key/${uuid#key}","enabled":true,"keyState":"Enabled","origin":"AWS_KMS","keyManager":"CUSTOMER","multiRegion":false}}`},
	{service: "kms", name: "CreateAlias", request: `{"aliasName":"alias/${stack}-${hex8}","targetKeyId":"${key}"}`, resources: keyResource},
	{service: "kms", name: "EnableKeyRotation", request: `{"keyId":"${key}"}`, resources: keyResource},
	{service: "kms", name: "PutKeyPolicy", resources: keyResource, request: `{"keyId":"${key}","policyName":"default","bypassPolicyLockoutSafetyCheck":false,"policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::${account}:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}]}"}`},
	{service: "kms", name: "CreateGrant", resources: keyResource, request: `{"keyId":"arn:aws:kms:${region}:${account}:key/${key}","granteePrincipal":"arn:aws:iam::${account}:role/${role}","operations":["Decrypt","GenerateDataKeyWithoutPlaintext","CreateGrant"],"retiringPrincipal":"ec2.${region}.amazonaws.com"}`, response: `{"grantId":"${hex64}"}`},

	{service: "autoscaling", name: "CreateAutoScalingGroup", api: "2011-01-01", request: `{"autoScalingGroupName":"${stack}-${hex8}","launchTemplate":{"launchTemplateId":"lt-${hex17}","version":"$Latest"},"minSize":2,"maxSize":6,"desiredCapacity":2,"vPCZoneIdentifier":"${subnet},${subnet#2}"}`},
	{service: "autoscaling", name: "UpdateAutoScalingGroup", api: "2011-01-01", request: `{"autoScalingGroupName":"${stack}-asg","minSize":2,"maxSize":8}`},
	{service: "elasticloadbalancing", name: "ModifyListener", api: "2015-12-01", request: `{"listenerArn":"arn:aws:elasticloadbalancing:${region}:${account}:listener/app/${stack}/${hex17}/${hex17#2}","defaultActions":[{"type":"forward","targetGroupArn":"arn:aws:elasticloadbalancing:${region}:${account}:targetgroup/${target}"}]}`},
	{service: "lambda", name: "CreateFunction20150331", action: "CreateFunction", api: "2015-03-31", request: `{"functionName":"${stack}-${hex8}","runtime":"python3.13","role":"arn:aws:iam::${account}:role/${role}","handler":"app.handler","code":{"s3Bucket":"${bucket}","s3Key":"${object}"},"timeout":30,"memorySize":256,"publish":true}`,
		response: `{"functionName":"${stack}-${hex8}","functionArn":"arn:aws:lambda:${region}:${account}:function:${stack}-${hex8}","runtime":"python3.13","role":"arn:aws:iam::${account}:role/${role}","handler":"app.handler","timeout":30,"memorySize":256,"version":"1"}`},
	{service: "lambda", name: "UpdateFunctionConfiguration20150331v2", action: "UpdateFunctionConfiguration", api: "2015-03-31", request: `{"functionName":"${function}","environment":{},"timeout":30}`, response: `{"functionName":"${function}","timeout":30,"version":"$LATEST"}`},
	{service: "lambda", name: "AddPermission20150331v2", action: "AddPermission", api: "2015-03-31", request: `{"functionName":"${function}","statementId":"${stack}-${hex8}","action":"lambda:InvokeFunction","principal":"events.amazonaws.com","sourceArn":"arn:aws:events:${region}:${account}:rule/${stack}"}`,
		response: `{"statement":"{\"Sid\":\"${stack}-${hex8}\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"events.amazonaws.com\"},\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"arn:aws:lambda:${region}:${account}:function:${function}\"}"}`},
	{service: "lambda", name: "PublishVersion20150331", action: "PublishVersion", api: "2015-03-31", request: `{"functionName":"${function}"}`, response: `{"functionName":"${function}","version":"${small}"}`},
	change("ecs", "UpdateService", `{"cluster":"${cluster}","service":"${stack}","taskDefinition":"${stack}:${small}","forceNewDeployment":true}`, `{"service":{"serviceName":"${stack}","status":"ACTIVE","desiredCount":2}}`),
	change("ecs", "RunTask", `{"cluster":"${cluster}","taskDefinition":"${stack}:${small}","launchType":"FARGATE","count":1,"startedBy":"events-rule/${stack}"}`, `{"failures":[],"tasks":[{"taskArn":"arn:aws:ecs:${region}:${account}:task/${cluster}/${hex32}","lastStatus":"PROVISIONING"}]}`),
	change("eks", "UpdateNodegroupVersion", `{"name":"${cluster}","nodegroupName":"general","clientRequestToken":"${uuid}"}`, `{"update":{"id":"${uuid}","status":"InProgress","type":"VersionUpdate"}}`),
	{service: "rds", name: "CreateDBSnapshot", api: "2014-10-31", request: `{"dBInstanceIdentifier":"${stack}","dBSnapshotIdentifier":"${stack}-${hex8}"}`, response: `{"dBSnapshotIdentifier":"${stack}-${hex8}","dBInstanceIdentifier":"${stack}","status":"creating","encrypted":true}`},
	{service: "rds", name: "ModifyDBInstance", api: "2014-10-31", request: `{"dBInstanceIdentifier":"${stack}","applyImmediately":false,"allowMajorVersionUpgrade":false,"backupRetentionPeriod":14}`},
	{service: "rds", name: "DeleteDBSnapshot", api: "2014-10-31", request: `{"dBSnapshotIdentifier":"${stack}-${hex8}"}`},
	change("dynamodb", "UpdateContinuousBackups", `{"tableName":"${table}","pointInTimeRecoverySpecification":{"pointInTimeRecoveryEnabled":true}}`, `{"continuousBackupsDescription":{"continuousBackupsStatus":"ENABLED"}}`),
	{service: "logs", name: "CreateLogGroup", api: "20140328", request: `{"logGroupName":"/aws/lambda/${stack}-${hex8}"}`},
	{service: "logs", name: "PutRetentionPolicy", api: "20140328", request: `{"logGroupName":"${loggroup}","retentionInDays":90}`},
	{service: "logs", name: "DeleteLogGroup", api: "20140328", request: `{"logGroupName":"/aws/lambda/${stack}-${hex8}"}`},
	change("events", "PutRule", `{"name":"${stack}","scheduleExpression":"rate(1 hour)","state":"ENABLED"}`, `{"ruleArn":"arn:aws:events:${region}:${account}:rule/${stack}"}`),
	change("sns", "Subscribe", `{"topicArn":"arn:aws:sns:${region}:${account}:${topic}","protocol":"sqs","endpoint":"arn:aws:sqs:${region}:${account}:${queue}"}`, `{"subscriptionArn":"arn:aws:sns:${region}:${account}:${topic}:${uuid}"}`),
	change("sqs", "SetQueueAttributes", `{"queueUrl":"https://sqs.${region}.amazonaws.com/${account}/${queue}","attributes":{"VisibilityTimeout":"120"}}`, ""),
	change("secretsmanager", "PutSecretValue", `{"secretId":"arn:aws:secretsmanager:${region}:${account}:secret:${secret}","clientRequestToken":"${uuid}"}`, `{"arn":"arn:aws:secretsmanager:${region}:${account}:secret:${secret}"}`),
	change("ssm", "PutParameter", `{"name":"/${repository}/settings","type":"SecureString","overwrite":true,"value":"HIDDEN_DUE_TO_SECURITY_REASONS"}`, `{"version":${small},"tier":"Standard"}`),
	change("route53", "ChangeResourceRecordSets", `{"hostedZoneId":"Z${hex12}","changeBatch":{"changes":[{"action":"UPSERT","resourceRecordSet":{"name":"${stack}.northwind-ferries.example","type":"CNAME","tTL":300,"resourceRecords":[{"value":"${stack}.${region}.elb.amazonaws.com"}]}}]}}`, `{"changeInfo":{"id":"/change/C${hex12}","status":"PENDING","submittedAt":"${date}"}}`),
	{service: "cloudformation", name: "UpdateStack", api: "2010-05-15", request: `{"stackName":"${stack}","templateURL":"https://cdk-hnb659fds-assets-${account}-${region}.s3.${region}.amazonaws.com/${hex64}.json","capabilities":["CAPABILITY_IAM","CAPABILITY_NAMED_IAM"]}`, response: `{"stackId":"arn:aws:cloudformation:${region}:${account}:stack/${stack}/${uuid}"}`},
	{service: "bedrock", name: "InvokeModel", read: true, host: "bedrock-runtime.${region}.amazonaws.com", request: `{"modelId":"anthropic.claude-sonnet-4-20250514-v1:0"}`, additional: `{"inferenceRegion":"${region}"}`},
	change("ecr", "InitiateLayerUpload", `{"registryId":"${account}","repositoryName":"${repository}"}`, `{"uploadId":"${uuid}","partSize":20971520}`),
	change("config", "PutConfigRule", `{"configRule":{"configRuleName":"${stack}-encrypted","source":{"owner":"AWS","sourceIdentifier":"ENCRYPTED_VOLUMES"}}}`, ""),
}
