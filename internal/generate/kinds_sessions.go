package generate

// sessionKinds are the staged calls that issue credentials, beside those that
// attacks use. The plot fixes the key, ${@key}, and uses it afterwards.
func sessionKinds() map[string]*kind {
	const (
		assumed  = `"assumedRoleUser":{"assumedRoleId":"${@id}:${@session}","arn":"arn:aws:sts::${@account}:assumed-role/${@role}/${@session}"}`
		resource = `[{"accountId":"${@account}","type":"AWS::IAM::Role","ARN":"arn:aws:iam::${@account}:role/${@role}"}]`
	)
	return map[string]*kind{
		"assume-role-source": {service: "sts", name: "AssumeRole", version: "1.08", read: true, resources: resource,
			request:  `{"roleArn":"arn:aws:iam::${@account}:role/${@role}","roleSessionName":"${@session}","durationSeconds":3600,"sourceIdentity":"${@source}"}`,
			response: `{` + issuedKey + `,` + assumed + `,"sourceIdentity":"${@source}"}`},
		"assume-role-saml": {service: "sts", name: "AssumeRoleWithSAML", version: "1.08", read: true,
			request:  `{"sAMLAssertionID":"${assertid}","roleSessionName":"${@session}","durationSeconds":3600,"roleArn":"arn:aws:iam::${@account}:role/${@role}","principalArn":"arn:aws:iam::${@account}:saml-provider/focus"}`,
			response: `{` + issuedKey + `,` + assumed + `,"subject":"${@session}","subjectType":"persistent","issuer":"https://focus.northwind-ferries.example/saml2","audience":"https://signin.aws.amazon.com/saml","nameQualifier":"${@provider}"}`,
			resources: `[{"accountId":"${@account}","type":"AWS::IAM::Role","ARN":"arn:aws:iam::${@account}:role/${@role}"},` +
				`{"accountId":"${@account}","type":"AWS::IAM::SAMLProvider","ARN":"arn:aws:iam::${@account}:saml-provider/focus"}]`},
		"assume-role-sso": {service: "sts", name: "AssumeRoleWithSAML", version: "1.08", read: true, host: "sts.amazonaws.com",
			request:  `{"sAMLAssertionID":"${assertid}","roleSessionName":"${@session}","durationSeconds":43200,"roleArn":"arn:aws:iam::${@account}:role` + setRolePath + `/${@role}","principalArn":"arn:aws:iam::${@account}:saml-provider/AWSSSO_${@instance}_DO_NOT_DELETE"}`,
			response: `{` + credentials + `,` + assumed + `,"subject":"${@session}","subjectType":"persistent","issuer":"https://portal.sso.eu-central-1.amazonaws.com/saml/assertion/${@instance}","audience":"https://signin.aws.amazon.com/saml","nameQualifier":"${@provider}"}`,
			resources: `[{"accountId":"${@account}","type":"AWS::IAM::Role","ARN":"arn:aws:iam::${@account}:role` + setRolePath + `/${@role}"},` +
				`{"accountId":"${@account}","type":"AWS::IAM::SAMLProvider","ARN":"arn:aws:iam::${@account}:saml-provider/AWSSSO_${@instance}_DO_NOT_DELETE"}]`},
		"assume-role-web-identity": {service: "sts", name: "AssumeRoleWithWebIdentity", version: "1.08", read: true, resources: resource,
			request:  `{"roleArn":"arn:aws:iam::${@account}:role/${@role}","roleSessionName":"${@session}","durationSeconds":3600}`,
			response: `{"subjectFromWebIdentityToken":"${@subject}",` + issuedKey + `,` + assumed + `,"provider":"${@provider}","audience":"sts.amazonaws.com"}`},
		"federation-token": {service: "sts", name: "GetFederationToken", version: "1.08",
			request:  `{"name":"${@name}","durationSeconds":43200,"policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:*\",\"iam:List*\"],\"Resource\":\"*\"}]}"}`,
			response: `{` + issuedKey + `,"federatedUser":{"federatedUserId":"${account}:${@name}","arn":"arn:aws:sts::${account}:federated-user/${@name}"},"packedPolicySize":3}`},
		"session-token": {service: "sts", name: "GetSessionToken", version: "1.08", read: true,
			request:  `{"durationSeconds":3600,"serialNumber":"arn:aws:iam::${account}:mfa/${@user}"}`,
			response: `{` + issuedKey + `}`},
	}
}
