package generate

const (
	roleResource = `[{"accountId":"${account}","type":"AWS::IAM::Role","ARN":"arn:aws:iam::${account}:role/${role}"}]`
	credentials  = `"credentials":{"accessKeyId":"${tempkey}","sessionToken":"${token}","expiration":"${expiry}"}`
	issuedKey    = `"credentials":{"accessKeyId":"${@key}","sessionToken":"${token}","expiration":"${expiry}"}` // that the plot uses later
	noSuchRole   = "The role with name ${role} cannot be found."
)

var identityKinds = []kind{
	{service: "sts", name: "AssumeRole", version: "1.08", read: true, request: `{"roleArn":"arn:aws:iam::${account}:role/${role}","roleSessionName":"${hex32}","durationSeconds":3600}`, response: `{` + credentials + `,"assumedRoleUser":{"assumedRoleId":"AROA${hex17}:${hex32}","arn":"arn:aws:sts::${account}:assumed-role/${role}/${hex32}"}}`, resources: roleResource},
	{service: "sts", name: "AssumeRoleWithWebIdentity", version: "1.08", read: true, request: `{"roleArn":"arn:aws:iam::${account}:role/${role}","roleSessionName":"GitHubActions","durationSeconds":3600}`, response: `{"subjectFromWebIdentityToken":"repo:northwind-ferries/${stack}:ref:refs/heads/main",` + credentials + `,"assumedRoleUser":{"assumedRoleId":"AROA${hex17}:GitHubActions","arn":"arn:aws:sts::${account}:assumed-role/${role}/GitHubActions"},"provider":"arn:aws:iam::${account}:oidc-provider/token.actions.githubusercontent.com","audience":"sts.amazonaws.com"}`, resources: roleResource, faults: []fault{{code: "ExpiredTokenException", message: "Token expired: current date/time must be before the expiration date/time", rate: 12, kept: true}}},
	{service: "sts", name: "GetCallerIdentity", version: "1.08", read: true},
	{service: "iam", name: "GetRole", global: true, host: "iam.amazonaws.com", read: true, request: `{"roleName":"${role}"}`, faults: []fault{{code: "NoSuchEntityException", message: noSuchRole, rate: 50, kept: true}}},
	{service: "iam", name: "ListRoles", global: true, host: "iam.amazonaws.com", read: true, request: `{"maxItems":1000}`},
	{service: "iam", name: "ListUsers", global: true, host: "iam.amazonaws.com", read: true},
	{service: "iam", name: "GetUser", global: true, host: "iam.amazonaws.com", read: true, request: `{"userName":"${user}"}`, faults: []fault{{code: "NoSuchEntityException", message: "The user with name ${user} cannot be found.", rate: 30, kept: true}}},
	{service: "iam", name: "ListAttachedRolePolicies", global: true, host: "iam.amazonaws.com", read: true, request: `{"roleName":"${role}"}`, faults: []fault{{code: "NoSuchEntityException", message: noSuchRole, rate: 20, kept: true}}},
	{service: "iam", name: "GetPolicyVersion", global: true, host: "iam.amazonaws.com", read: true, request: `{"policyArn":"arn:aws:iam::${account}:policy/${stack}-deploy","versionId":"v${octet}"}`},
	{service: "iam", name: "ListAccessKeys", global: true, host: "iam.amazonaws.com", read: true, request: `{"userName":"${user}"}`},
	{service: "iam", name: "GetAccountSummary", global: true, host: "iam.amazonaws.com", read: true},
	{service: "iam", name: "GenerateCredentialReport", global: true, host: "iam.amazonaws.com", response: `{"description":"No report exists. Starting a new report generation task","state":"STARTED"}`},
	{service: "iam", name: "PutRolePolicy", global: true, host: "iam.amazonaws.com", request: `{"roleName":"${role}","policyName":"inline-${stack}","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:PutObject\"],\"Resource\":\"arn:aws:s3:::${bucket}/*\"}]}"}`},
	{service: "organizations", name: "ListAccounts", global: true, read: true, request: `{"maxResults":20}`},
	{service: "organizations", name: "DescribeOrganization", global: true, read: true},
	{service: "cloudtrail", name: "DescribeTrails", read: true, request: `{"trailNameList":[],"includeShadowTrails":true}`},
	{service: "cloudtrail", name: "GetTrailStatus", read: true, request: `{"name":"arn:aws:cloudtrail:us-east-1:${account}:trail/` + trailName + `"}`},
	{service: "cloudtrail", name: "LookupEvents", read: true, request: `{"maxResults":50,"lookupAttributes":[{"attributeKey":"ResourceName","attributeValue":"${instance}"}]}`},
}
