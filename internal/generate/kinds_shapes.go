package generate

// shapeKinds are the staged kinds that came since 2024.
func shapeKinds() map[string]*kind {
	portal := func(name, additional, details string) *kind {
		return &kind{service: "signin", name: name, version: "1.11", typ: typeServiceEvent, host: "portal.sso.us-east-1.amazonaws.com", additional: additional, details: details}
	}
	return map[string]*kind{
		"sso-challenge":      portal("CredentialChallenge", `{"AuthWorkflowID":"${@flow}","CredentialType":"${@credential}"}`, `{"CredentialChallenge":"Success"}`),
		"sso-verification":   portal("CredentialVerification", `{"AuthWorkflowID":"${@flow}","CredentialType":"${@credential}"}`, `{"CredentialVerification":"${@outcome}"}`),
		"sso-authentication": portal("UserAuthentication", `{"AuthWorkflowID":"${@flow}","CredentialType":"${@credential}","LoginTo":"https://northwind-ferries.awsapps.com/start"}`, `{"UserAuthentication":"Success"}`),
		"sso-role": {service: "sso", name: "Federate", typ: typeServiceEvent, host: "portal.sso.us-east-1.amazonaws.com",
			details: `{"role_name":"${@role}","account_id":"${@account}"}`},
		"create-token": {service: "signin", name: "CreateOAuth2Token", host: "us-east-1.signin.aws.amazon.com",
			request:    `{"client_id":"arn:aws:signin:::devtools/same-device","grant_type":"authorization_code"}`,
			additional: `{"signInSessionArn":"${@session}"}`},
		"call-tool": {service: "aws-mcp", name: "CallReadWriteTool", typ: typeMCP, host: "aws-mcp.us-east-1.api.aws",
			request:    `{"jsonrpc":"2.0","id":${small},"method":"tools/call","params":{"name":"aws___call_aws","arguments":"***"}}`,
			additional: `{"downstreamRequests":[{"apiName":"${@api}","requestId":"${@request}","awsRegion":"${region}"}]}`},
		"put-padded-policy":  {service: "iam", name: "PutUserPolicy", host: "iam.amazonaws.com", request: `{"reason":"requestParameters too large","omitted":true,"originalSize":131072}`},
		"create-large-stack": {service: "cloudformation", name: "CreateStack", api: "2010-05-15", request: `{"reason":"requestParameters too large","omitted":true,"originalSize":184320}`, response: `{"stackId":"arn:aws:cloudformation:${region}:${account}:stack/${stack}/${uuid}"}`},
		"endpoint-put":       {service: "s3", name: "PutObject", typ: typeEndpoint, category: categoryNetwork, host: "s3.${region}.amazonaws.com"},
		"assume-root": {service: "sts", name: "AssumeRoot", request: `{"targetPrincipal":"${@account}","taskPolicyArn":{"arn":"arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"},"durationSeconds":900}`,
			response: `{` + issuedKey + `}`},
		"unlock-bucket": {service: "s3", name: "DeleteBucketPolicy", additional: transfer, host: "${@bucket}.s3.${region}.amazonaws.com",
			request: `{"bucketName":"${@bucket}","Host":"${@bucket}.s3.${region}.amazonaws.com","policy":""}`, resources: `[{"accountId":"${account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::${@bucket}"}]`},
	}
}
