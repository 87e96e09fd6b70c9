package generate

const (
	bucketResource = `[{"accountId":"${account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::${bucket}"}]`
	objectResource = `[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::${bucket}/${object}"},{"accountId":"${account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::${bucket}"}]`
	transfer       = `{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"${hostid}","bytesTransferredOut":${bytes}}`
	keyResource    = `[{"accountId":"${account}","type":"AWS::KMS::Key","ARN":"arn:aws:kms:${region}:${account}:key/${key}"}]`
)

// bucketRead is a question about a bucket's configuration; parameter is what
// its query string is called, code and message the answer if there is none of it.
func bucketRead(name, action, parameter, code, message string, rate uint64) kind {
	k := kind{service: "s3", name: name, action: action, read: true, host: hostS3, additional: transfer, resources: bucketResource,
		request: `{"bucketName":"${bucket}","Host":"` + hostS3 + `","` + parameter + `":""}`}
	if code != "" {
		k.faults = []fault{{code: code, message: message, rate: rate, kept: true}}
	}
	return k
}

var storageKinds = []kind{
	bucketRead("GetBucketAcl", "", "acl", "", "", 0),
	bucketRead("GetBucketLocation", "", "location", "", "", 0),
	bucketRead("GetBucketPolicy", "", "policy", "NoSuchBucketPolicy", "The bucket policy does not exist", 400),
	bucketRead("GetBucketTagging", "", "tagging", "NoSuchTagSet", "The TagSet does not exist", 350),
	bucketRead("GetBucketVersioning", "", "versioning", "", "", 0),
	bucketRead("GetBucketLogging", "", "logging", "", "", 0),
	bucketRead("GetBucketNotification", "", "notification", "", "", 0),
	bucketRead("GetBucketLifecycle", "GetLifecycleConfiguration", "lifecycle", "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", 500),
	bucketRead("GetBucketEncryption", "GetEncryptionConfiguration", "encryption", "ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found", 200),
	bucketRead("GetBucketPublicAccessBlock", "", "publicAccessBlock", "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found", 180),
	bucketRead("GetBucketReplication", "GetReplicationConfiguration", "replication", "ReplicationConfigurationNotFoundError", "The replication configuration was not found", 800),
	bucketRead("GetBucketWebsite", "", "website", "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration", 900),
	bucketRead("GetBucketCors", "GetBucketCORS", "cors", "NoSuchCORSConfiguration", "The CORS configuration does not exist", 800),
	{service: "s3", name: "ListBuckets", action: "ListAllMyBuckets", read: true, host: "s3.${region}.amazonaws.com", additional: transfer, request: `{"Host":"s3.${region}.amazonaws.com"}`},
	{service: "s3", name: "GetObject", category: categoryData, read: true, host: hostS3, additional: transfer, resources: objectResource, request: `{"bucketName":"${bucket}","Host":"` + hostS3 + `","key":"${object}"}`, faults: []fault{{code: "NoSuchKey", message: "The specified key does not exist.", rate: 25, kept: true}}},
	{service: "s3", name: "PutObject", category: categoryData, host: hostS3, additional: `{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":${bytes},"SSEApplied":"Default_SSE_S3","AuthenticationMethod":"AuthHeader","x-amz-id-2":"${hostid}","bytesTransferredOut":0}`, resources: objectResource, request: `{"bucketName":"${bucket}","Host":"` + hostS3 + `","key":"${object}"}`, response: `{"x-amz-server-side-encryption":"AES256"}`},
	{service: "s3", name: "HeadObject", action: "GetObject", category: categoryData, read: true, host: hostS3, additional: transfer, resources: objectResource, request: `{"bucketName":"${bucket}","Host":"` + hostS3 + `","key":"${object}"}`, faults: []fault{{code: "NoSuchKey", message: "The specified key does not exist.", rate: 90, kept: true}}},
	{service: "s3", name: "ListObjects", action: "ListBucket", category: categoryData, read: true, host: hostS3, additional: transfer, resources: `[{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::${bucket}/"},{"accountId":"${account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::${bucket}"}]`, request: `{"list-type":"2","bucketName":"${bucket}","encoding-type":"url","prefix":"","delimiter":"/","Host":"` + hostS3 + `"}`},
	{service: "kms", name: "Decrypt", read: true, resources: keyResource, request: `{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::${bucket}"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`},
	{service: "kms", name: "GenerateDataKey", read: true, resources: keyResource, request: `{"numberOfBytes":32,"keyId":"arn:aws:kms:${region}:${account}:key/${key}","encryptionContext":{"aws:s3:arn":"arn:aws:s3:::${bucket}"}}`},
	{service: "kms", name: "DescribeKey", read: true, resources: keyResource, request: `{"keyId":"arn:aws:kms:${region}:${account}:key/${key}"}`, faults: []fault{{code: "NotFoundException", message: "Key 'arn:aws:kms:${region}:${account}:key/${key}' does not exist", rate: 15, kept: true}}},
	{service: "dynamodb", name: "DescribeTable", read: true, api: "2012-08-10", request: `{"tableName":"${table}"}`, resources: `[{"accountId":"${account}","type":"AWS::DynamoDB::Table","ARN":"arn:aws:dynamodb:${region}:${account}:table/${table}"}]`, faults: []fault{{code: "ResourceNotFoundException", message: "Requested resource not found: Table: ${table} not found", rate: 12, kept: true}}},
	{service: "secretsmanager", name: "GetSecretValue", read: true, request: `{"secretId":"arn:aws:secretsmanager:${region}:${account}:secret:${secret}"}`},
	{service: "secretsmanager", name: "DescribeSecret", read: true, request: `{"secretId":"arn:aws:secretsmanager:${region}:${account}:secret:${secret}"}`, faults: []fault{{code: "ResourceNotFoundException", message: "Secrets Manager can't find the specified secret.", rate: 20, kept: true}}},
	{service: "ssm", name: "GetParameter", read: true, request: `{"name":"/${repository}/settings","withDecryption":true}`, resources: `[{"accountId":"${account}","ARN":"arn:aws:ssm:${region}:${account}:parameter/${repository}/settings"}]`, faults: []fault{{code: "ParameterNotFound", message: "Parameter /${repository}/settings not found.", rate: 18, kept: true}}},
	{service: "ssm", name: "UpdateInstanceInformation", opaque: true, request: `{"instanceId":"${instance}","agentVersion":"3.3.2299.0","agentStatus":"Active","platformType":"Linux","platformName":"Amazon Linux","platformVersion":"2023","iPAddress":"${private}","computerName":"ip-10-0-12-${octet}.${region}.compute.internal","agentName":"amazon-ssm-agent","availabilityZone":"${az}"}`},
	{service: "ssm", name: "SendCommand", request: `{"instanceIds":["${instance}"],"documentName":"AWS-RunShellScript","parameters":{"commands":["systemctl is-active ${stack}"]},"interactive":false}`, response: `{"command":{"commandId":"${uuid}","documentName":"AWS-RunShellScript","documentVersion":"$DEFAULT","comment":"","expiresAfter":"${expiry}","parameters":{"commands":["systemctl is-active ${stack}"]},"instanceIds":["${instance}"],"targets":[],"requestedDateTime":"${date}","status":"Pending","statusDetails":"Pending","outputS3Region":"${region}","outputS3BucketName":"","outputS3KeyPrefix":"","maxConcurrency":"50","maxErrors":"0","targetCount":1,"completedCount":0,"errorCount":0,"deliveryTimedOutCount":0,"serviceRole":"","notificationConfig":{"notificationArn":"","notificationEvents":[],"notificationType":""},"timeoutSeconds":3600}}`},
	{service: "s3", name: "GetBucketObjectLockConfiguration", typ: typeEndpoint, category: categoryNetwork, read: true, request: `{"bucketName":"${bucket}","Host":"` + hostS3 + `"}`, faults: []fault{{code: "VpceAccessDenied", message: "The request was denied due to a VPC endpoint policy", rate: 1000, kept: true}}},
	{service: "sqs", name: "GetQueueAttributes", read: true, opaque: true, request: `{"queueUrl":"https://sqs.${region}.amazonaws.com/${account}/${queue}","attributeNames":["All"]}`},
	{service: "sns", name: "GetTopicAttributes", read: true, opaque: true, request: `{"topicArn":"arn:aws:sns:${region}:${account}:${topic}"}`},
}
