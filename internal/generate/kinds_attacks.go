package generate

// attackKinds are the calls of the intrusions that plot_intrusions.go stages.
func attackKinds() map[string]*kind {
	const everything = `{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}`
	iam := func(name, request, response string) *kind {
		return &kind{service: "iam", name: name, host: "iam.amazonaws.com", request: request, response: response}
	}
	bucket := func(name, rest string) *kind {
		return &kind{service: "s3", name: name, additional: transfer, host: "${@bucket}.s3.${region}.amazonaws.com", resources: `[{"accountId":"${account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::${@bucket}"}]`,
			request: `{"bucketName":"${@bucket}","Host":"${@bucket}.s3.${region}.amazonaws.com",` + rest + `}`}
	}
	object := func(name, rest, more string) *kind {
		return &kind{service: "s3", name: name, category: categoryData, host: "${@bucket}.s3.${region}.amazonaws.com",
			resources:  `[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::${@bucket}/${@key}"},{"accountId":"${account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::${@bucket}"}]`,
			additional: `{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":${bytes},` + more + `"AuthenticationMethod":"AuthHeader","x-amz-id-2":"${hostid}","bytesTransferredOut":0}`,
			request:    `{"bucketName":"${@bucket}","Host":"${@bucket}.s3.${region}.amazonaws.com","key":"${@key}"` + rest + `}`}
	}
	call := func(service, name, request, response string) *kind {
		return &kind{service: service, name: name, request: request, response: response}
	}
	read := func(service, name, request string) *kind {
		return &kind{service: service, name: name, read: true, request: request}
	}
	kinds := map[string]*kind{
		"create-login":          iam("CreateLoginProfile", `{"userName":"${@user}","passwordResetRequired":false}`, `{"loginProfile":{"userName":"${@user}","createDate":"${date}","passwordResetRequired":false}}`),
		"trust-stranger":        iam("UpdateAssumeRolePolicy", `{"roleName":"${@role}","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::${@stranger}:root\"},\"Action\":\"sts:AssumeRole\"}]}"}`, ""),
		"policy-for-everything": iam("CreatePolicyVersion", `{"policyArn":"arn:aws:iam::${account}:policy/${@policy}","policyDocument":"`+everything+`","setAsDefault":true}`, `{"policyVersion":{"versionId":"v7","isDefaultVersion":true,"createDate":"${date}"}}`),
		"deactivate-mfa":        iam("DeactivateMFADevice", `{"userName":"${@user}","serialNumber":"arn:aws:iam::${account}:mfa/${@user}"}`, ""),
		"delete-mfa":            iam("DeleteVirtualMFADevice", `{"serialNumber":"arn:aws:iam::${account}:mfa/${@user}"}`, ""),
		"create-saml-provider":  iam("CreateSAMLProvider", `{"name":"${@name}","sAMLMetadataDocument":"<EntityDescriptor entityID=\"https://${@host}/metadata\"/>"}`, `{"sAMLProviderArn":"arn:aws:iam::${account}:saml-provider/${@name}"}`),
		"create-oidc-provider":  iam("CreateOpenIDConnectProvider", `{"url":"https://${@host}","clientIDList":["sts.amazonaws.com"],"thumbprintList":["${commit}"]}`, `{"openIDConnectProviderArn":"arn:aws:iam::${account}:oidc-provider/${@host}"}`),
		"create-model-key":      iam("CreateServiceSpecificCredential", `{"userName":"${@user}","serviceName":"bedrock.amazonaws.com"}`, `{"serviceSpecificCredential":{"createDate":"${date}","serviceName":"bedrock.amazonaws.com","userName":"${@user}","serviceSpecificCredentialId":"ACCA${hex17}","status":"Active"}}`),
		"federation-admin": {service: "sts", name: "GetFederationToken", version: "1.08", request: `{"name":"${@name}","durationSeconds":43200,"policy":"` + everything + `","policyArns":[{"arn":"arn:aws:iam::aws:policy/AdministratorAccess"}]}`,
			response: `{` + issuedKey + `,"federatedUser":{"federatedUserId":"${account}:${@name}","arn":"arn:aws:sts::${account}:federated-user/${@name}"},"packedPolicySize":2}`},
		"signin-token":             {service: "signin", name: "GetSigninToken", version: "1.08", read: true, typ: typeSignIn, host: "signin.aws.amazon.com", response: `{"GetSigninToken":"Success"}`, additional: `{"MobileVersion":"No","MFAUsed":"No"}`},
		"create-trust-anchor":      call("rolesanywhere", "CreateTrustAnchor", `{"name":"${@name}","enabled":true,"source":{"sourceType":"CERTIFICATE_BUNDLE","sourceData":{"x509CertificateData":"-----BEGIN CERTIFICATE-----${opaque}-----END CERTIFICATE-----"}}}`, `{"trustAnchor":{"trustAnchorId":"${uuid}","trustAnchorArn":"arn:aws:rolesanywhere:${region}:${account}:trust-anchor/${uuid}","name":"${@name}","enabled":true}}`),
		"create-anywhere-profile":  call("rolesanywhere", "CreateProfile", `{"name":"${@name}","enabled":true,"roleArns":["arn:aws:iam::${account}:role/${@role}"],"durationSeconds":43200}`, `{"profile":{"profileId":"${uuid}","name":"${@name}","enabled":true}}`),
		"create-permission-set":    call("sso", "CreatePermissionSet", `{"instanceArn":"arn:aws:sso:::instance/ssoins-${hex17#s}","name":"${@name}","sessionDuration":"PT12H"}`, `{"permissionSet":{"name":"${@name}","permissionSetArn":"arn:aws:sso:::permissionSet/ssoins-${hex17#s}/ps-${hex17}","sessionDuration":"PT12H"}}`),
		"attach-to-permission-set": call("sso", "AttachManagedPolicyToPermissionSet", `{"instanceArn":"arn:aws:sso:::instance/ssoins-${hex17#s}","permissionSetArn":"arn:aws:sso:::permissionSet/ssoins-${hex17#s}/ps-${hex17}","managedPolicyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}`, ""),
		"assign-account":           call("sso", "CreateAccountAssignment", `{"instanceArn":"arn:aws:sso:::instance/ssoins-${hex17#s}","targetId":"${@account}","targetType":"AWS_ACCOUNT","permissionSetArn":"arn:aws:sso:::permissionSet/ssoins-${hex17#s}/ps-${hex17}","principalType":"USER","principalId":"${uuid}"}`, `{"accountAssignmentCreationStatus":{"status":"IN_PROGRESS","requestId":"${uuid#2}","targetId":"${@account}","targetType":"AWS_ACCOUNT","principalType":"USER"}}`),
		"function-with-role": {service: "lambda", name: "CreateFunction20150331", action: "CreateFunction", api: "2015-03-31", request: `{"functionName":"${@function}","runtime":"python3.13","role":"arn:aws:iam::${account}:role/${@role}","handler":"index.handler","code":{},"timeout":60,"publish":true}`,
			response: `{"functionName":"${@function}","functionArn":"arn:aws:lambda:${region}:${account}:function:${@function}","runtime":"python3.13","role":"arn:aws:iam::${account}:role/${@role}","handler":"index.handler"}`},
		"invoke": {service: "lambda", name: "Invoke", category: categoryData, request: `{"invocationType":"RequestResponse","functionName":"arn:aws:lambda:${region}:${account}:function:${@function}","clientContext":""}`,
			resources: `[{"accountId":"${account}","type":"AWS::Lambda::Function","ARN":"arn:aws:lambda:${region}:${account}:function:${@function}"}]`},
		"open-function": {service: "lambda", name: "AddPermission20150331v2", action: "AddPermission", api: "2015-03-31", request: `{"functionName":"${@function}","statementId":"public","action":"lambda:InvokeFunctionUrl","principal":"*","functionUrlAuthType":"NONE"}`,
			response: `{"statement":"{\"Sid\":\"public\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"lambda:InvokeFunctionUrl\",\"Resource\":\"arn:aws:lambda:${region}:${account}:function:${@function}\"}"}`},
		"function-url":   {service: "lambda", name: "CreateFunctionUrlConfig", api: "2021-10-31", request: `{"functionName":"${@function}","authType":"NONE"}`, response: `{"functionUrl":"https://${hex32}.lambda-url.${region}.on.aws/","functionArn":"arn:aws:lambda:${region}:${account}:function:${@function}","authType":"NONE","creationTime":"${now}"}`},
		"overwrite-code": {service: "lambda", name: "UpdateFunctionCode20150331v2", action: "UpdateFunctionCode", api: "2015-03-31", request: `{"functionName":"${@function}","publish":false,"dryRun":false}`, response: `{"functionName":"${@function}","functionArn":"arn:aws:lambda:${region}:${account}:function:${@function}","lastModified":"${now}"}`},

		"suspend-versions":    bucket("PutBucketVersioning", `"versioning":"","VersioningConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","Status":"Suspended"}`),
		"unblock-public":      bucket("DeleteBucketPublicAccessBlock", `"publicAccessBlock":""`),
		"stop-bucket-log":     bucket("PutBucketLogging", `"logging":"","BucketLoggingStatus":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/"}`),
		"stop-replication":    bucket("DeleteBucketReplication", `"replication":""`),
		"expire-objects":      bucket("PutBucketLifecycle", `"lifecycle":"","LifecycleConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","Rule":{"ID":"clean","Status":"Enabled","Filter":{"Prefix":""},"Expiration":{"Days":1},"NoncurrentVersionExpiration":{"NoncurrentDays":1}}}`),
		"policy-for-stranger": bucket("PutBucketPolicy", `"policy":"","bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"sync","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::${@stranger}:root"},"Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::${@bucket}","arn:aws:s3:::${@bucket}/*"]}]}`),
		"replicate-out":       bucket("PutBucketReplication", `"replication":"","ReplicationConfiguration":{"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/","Role":"arn:aws:iam::${account}:role/${role}","Rule":{"ID":"copy","Priority":1,"Status":"Enabled","Filter":{"Prefix":""},"Destination":{"Bucket":"arn:aws:s3:::${@target}","Account":"${@stranger}"}}}`),
		"encrypt-own-key":     object("CopyObject", `,"x-amz-copy-source":"${@bucket}/${@key}","x-amz-server-side-encryption-customer-algorithm":"AES256"`, `"SSEApplied":"SSE_C",`),
		"encrypt-foreign-key": object("CopyObject", `,"x-amz-copy-source":"${@bucket}/${@key}","x-amz-server-side-encryption":"aws:kms","x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:${region}:${@stranger}:key/${@kms}"`, `"SSEApplied":"SSE_KMS",`),
		"put-note":            object("PutObject", ``, `"SSEApplied":"Default_SSE_S3",`),

		"delete-recovery-point": {service: "backup", name: "DeleteRecoveryPoint", request: `{"backupVaultName":"nightly","recoveryPointArn":"arn:aws:ec2:${region}::snapshot/snap-${hex17}"}`},
		"delete-vault":          {service: "backup", name: "DeleteBackupVault", request: `{"backupVaultName":"nightly"}`},
		"disable-key":           {service: "kms", name: "DisableKey", request: `{"keyId":"${@key}"}`, response: `{"keyId":"arn:aws:kms:${region}:${account}:key/${@key}"}`, resources: `[{"accountId":"${account}","type":"AWS::KMS::Key","ARN":"arn:aws:kms:${region}:${account}:key/${@key}"}]`},

		"narrow-selectors":   call("cloudtrail", "PutEventSelectors", `{"trailName":"arn:aws:cloudtrail:us-east-1:${account}:trail/local-audit","eventSelectors":[{"readWriteType":"ReadOnly","includeManagementEvents":false,"dataResources":[],"excludeManagementEventSources":[]}]}`, `{"trailARN":"arn:aws:cloudtrail:us-east-1:${account}:trail/local-audit","eventSelectors":[{"readWriteType":"ReadOnly","includeManagementEvents":false,"dataResources":[],"excludeManagementEventSources":[]}]}`),
		"delete-detector":    call("guardduty", "DeleteDetector", `{"detectorId":"${hex32}"}`, ""),
		"stop-recorder":      call("config", "StopConfigurationRecorder", `{"configurationRecorderName":"default"}`, ""),
		"delete-flow-logs":   call("ec2", "DeleteFlowLogs", `{"DeleteFlowLogsRequest":{"FlowLogId":{"tag":1,"content":"fl-${hex17}"}}}`, `{"DeleteFlowLogsResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"${uuid#req}","unsuccessful":""}}`),
		"delete-query-log":   call("route53resolver", "DeleteResolverQueryLogConfig", `{"resolverQueryLogConfigId":"rqlc-${hex17}"}`, `{"resolverQueryLogConfig":{"id":"rqlc-${hex17}","status":"DELETING","ownerId":"${account}"}}`),
		"leave-organization": call("organizations", "LeaveOrganization", "", ""),
		"delete-model-log":   call("bedrock", "DeleteModelInvocationLoggingConfiguration", "", ""),
		"delete-guardrail":   call("bedrock", "DeleteGuardrail", `{"guardrailIdentifier":"${hex12}"}`, ""),
		"model-availability": read("bedrock", "GetFoundationModelAvailability", `{"modelId":"anthropic.claude-opus-4-20250514-v1:0"}`),
		"use-case":           call("bedrock", "PutUseCaseForModelAccess", `{"formData":"***"}`, ""),
		"invoke-stream":      {service: "bedrock", name: "InvokeModelWithResponseStream", read: true, host: "bedrock-runtime.${region}.amazonaws.com", request: `{"modelId":"anthropic.claude-opus-4-20250514-v1:0"}`, additional: `{"inferenceRegion":"${region}"}`},

		"share-image":        {service: "ec2", name: "ModifyImageAttribute", response: done, request: `{"imageId":"${image}","launchPermission":{"add":{"items":[{"userId":"${@stranger}"}]}},"attributeType":"launchPermission"}`},
		"share-database":     {service: "rds", name: "ModifyDBSnapshotAttribute", api: "2014-10-31", request: `{"dBSnapshotIdentifier":"${@snapshot}","attributeName":"restore","valuesToAdd":["all"]}`, response: `{"dBSnapshotIdentifier":"${@snapshot}","dBSnapshotAttributes":[{"attributeName":"restore","attributeValues":["all"]}]}`},
		"parameters-by-path": {service: "ssm", name: "GetParametersByPath", read: true, request: `{"path":"/${@path}","recursive":true,"withDecryption":true,"maxResults":10}`},
		"parameter":          {service: "ssm", name: "GetParameter", read: true, request: `{"name":"/${@path}/password","withDecryption":true}`, resources: `[{"accountId":"${account}","ARN":"arn:aws:ssm:${region}:${account}:parameter/${@path}/password"}]`},
		"batch-secrets":      {service: "secretsmanager", name: "BatchGetSecretValue", read: true, request: `{"filters":[{"key":"tag-key","values":["!nothing"]}],"maxResults":20}`},

		"read-user-data":  read("ec2", "DescribeInstanceAttribute", `{"instanceId":"${@instance}","attribute":"userData"}`),
		"read-password":   read("ec2", "GetPasswordData", `{"instanceId":"${@instance}"}`),
		"stop-instance":   {service: "ec2", name: "StopInstances", request: `{"instancesSet":{"items":[{"instanceId":"${@instance}"}]},"force":true}`, response: `{"requestId":"${uuid#req}","instancesSet":{"items":[{"instanceId":"${@instance}","currentState":{"code":64,"name":"stopping"},"previousState":{"code":16,"name":"running"}}]}}`},
		"write-user-data": {service: "ec2", name: "ModifyInstanceAttribute", response: done, request: `{"instanceId":"${@instance}","userData":"<sensitiveDataRemoved>"}`},
		"start-instance":  {service: "ec2", name: "StartInstances", request: `{"instancesSet":{"items":[{"instanceId":"${@instance}"}]}}`, response: `{"requestId":"${uuid#req}","instancesSet":{"items":[{"instanceId":"${@instance}","currentState":{"code":0,"name":"pending"},"previousState":{"code":80,"name":"stopped"}}]}}`},
		"send-command":    {service: "ssm", name: "SendCommand", request: `{"instanceIds":["${@instance}"],"documentName":"AWS-RunShellScript","parameters":{"commands":["HIDDEN_DUE_TO_SECURITY_REASONS"]},"interactive":false}`, response: `{"command":{"commandId":"${uuid}","documentName":"AWS-RunShellScript","documentVersion":"$DEFAULT","instanceIds":["${@instance}"],"status":"Pending"}}`},
		"start-session":   {service: "ssm", name: "StartSession", request: `{"target":"${@instance}"}`, response: `{"sessionId":"${username}-${hex17}","tokenValue":"Value hidden due to security reasons.","streamUrl":"wss://ssmmessages.${region}.amazonaws.com/v1/data-channel/${username}-${hex17}?role=publish_subscribe"}`},
		"serial-access":   {service: "ec2", name: "EnableSerialConsoleAccess", request: `{"EnableSerialConsoleAccessRequest":""}`, response: `{"EnableSerialConsoleAccessResponse":{"xmlns":"http://ec2.amazonaws.com/doc/2016-11-15/","requestId":"${uuid#req}","serialConsoleAccessEnabled":true}}`},
		"push-serial-key": {service: "ec2-instance-connect", name: "SendSerialConsoleSSHPublicKey", request: `{"instanceId":"${@instance}","serialPort":0,"sSHPublicKey":"ssh-ed25519 ${opaque}"}`, response: `{"requestId":"${uuid#req}","success":true}`},
		"push-key":        {service: "ec2-instance-connect", name: "SendSSHPublicKey", request: `{"instanceId":"${@instance}","instanceOSUser":"ec2-user","sSHPublicKey":"ssh-ed25519 ${opaque}"}`, response: `{"requestId":"${uuid#req}","success":true}`},
		"mining-task":     {service: "ecs", name: "RegisterTaskDefinition", request: `{"family":"${@family}","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"16384","memory":"32768","containerDefinitions":[{"name":"worker","image":"${@image}","cpu":0,"essential":true,"portMappings":[],"environment":[]}]}`, response: `{"taskDefinition":{"taskDefinitionArn":"arn:aws:ecs:${region}:${account}:task-definition/${@family}:1","family":"${@family}","revision":1,"status":"ACTIVE"}}`},
		"create-cluster":  call("ecs", "CreateCluster", `{"clusterName":"${@family}"}`, `{"cluster":{"clusterArn":"arn:aws:ecs:${region}:${account}:cluster/${@family}","clusterName":"${@family}","status":"ACTIVE"}}`),
		"run-mining-task": call("ecs", "RunTask", `{"cluster":"${@family}","taskDefinition":"${@family}:1","launchType":"FARGATE","count":10}`, `{"failures":[],"tasks":[{"taskArn":"arn:aws:ecs:${region}:${account}:task/${@family}/${hex32}","lastStatus":"PROVISIONING"}]}`),
		"access-entry":    call("eks", "CreateAccessEntry", `{"name":"${@cluster}","principalArn":"${@principal}","type":"STANDARD"}`, `{"accessEntry":{"clusterName":"${@cluster}","principalArn":"${@principal}","type":"STANDARD","username":"${@principal}","kubernetesGroups":[]}}`),
		"cluster-admin":   call("eks", "AssociateAccessPolicy", `{"name":"${@cluster}","principalArn":"${@principal}","policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","accessScope":{"type":"cluster"}}`, `{"clusterName":"${@cluster}","principalArn":"${@principal}","associatedAccessPolicy":{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","accessScope":{"type":"cluster","namespaces":[]}}}`),
		"quota":           read("servicequotas", "GetServiceQuota", `{"serviceCode":"ec2","quotaCode":"L-1216C47A"}`),
		"verify-mail":     call("ses", "VerifyEmailIdentity", `{"emailAddress":"${@address}"}`, ""),
		"enable-sending":  call("ses", "UpdateAccountSendingEnabled", `{"enabled":true}`, ""),
		"device-token": {service: "sso", name: "CreateToken", host: "oidc.us-east-1.amazonaws.com", request: `{"clientId":"${hex32}","clientSecret":"HIDDEN_DUE_TO_SECURITY_REASONS","grantType":"urn:ietf:params:oauth:grant-type:device_code","deviceCode":"HIDDEN_DUE_TO_SECURITY_REASONS"}`,
			response: `{"accessToken":"HIDDEN_DUE_TO_SECURITY_REASONS","tokenType":"Bearer","expiresIn":28800}`},
		"role-credentials": {service: "sso", name: "GetRoleCredentials", read: true, typ: typeServiceEvent, host: "portal.sso.us-east-1.amazonaws.com", details: `{"role_name":"${@role}","account_id":"${@account}"}`},
		"list-accounts":    {service: "sso", name: "ListAccounts", read: true, typ: typeServiceEvent, host: "portal.sso.us-east-1.amazonaws.com", details: `{"max_result":"100"}`},
	}
	return kinds
}
