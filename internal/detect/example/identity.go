package example

import (
	"fmt"
	"strings"
)

// Forms says how a test may name who called.
const Forms = "alice, role:deploy, role:deploy/session, root, sso:bob, center:bob, console:alice, federated:eve, " +
	"service:ec2.amazonaws.com, via:cloudformation.amazonaws.com, instance:i-0123456789abcdef0, function:orders, github:org/repo, account:444455556666"

// started is when the sessions of examples began.
const started = "2026-01-01T00:00:00Z"

// identity returns the fields of a record that say who called: userIdentity, and what
// follows from it. name is one of Forms; a name without a kind is an IAM user.
func identity(name, account string) (map[string]any, error) {
	kind, who, ok := strings.Cut(name, ":")
	switch {
	case name == "root":
		kind = "root"
	case !ok && name != "":
		kind, who = "user", name
	case who == "":
		return nil, fmt.Errorf("as: %q is no caller; write one of %s", name, Forms)
	}
	switch kind {
	case "user":
		return map[string]any{"userIdentity": user(who, account)}, nil
	case "root":
		return map[string]any{"userIdentity": map[string]any{
			"type": "Root", "principalId": account, "arn": "arn:aws:iam::" + account + ":root", "accountId": account, "accessKeyId": "ASIAEXAMPLEROOT",
			"sessionContext": map[string]any{"attributes": attributes("true")},
		}}, nil
	case "role":
		role, session, ok := strings.Cut(who, "/")
		if !ok {
			session = "session"
		}
		return map[string]any{"userIdentity": assumed("role/", role, session, account)}, nil
	case "sso": // a person in an account, by a permission set
		id := assumed("role/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_Developer_0123456789abcdef", who+"@example.com", account)
		return map[string]any{"userIdentity": id}, nil
	case "center": // a person in the access portal
		return map[string]any{"userIdentity": map[string]any{
			"type": "IdentityCenterUser", "accountId": account, "credentialId": "credential-of-" + who,
			"onBehalfOf": map[string]any{"userId": "90676example-" + who, "identityStoreArn": "arn:aws:identitystore::" + account + ":identitystore/d-9067642ac7"},
		}}, nil
	case "console":
		id := user(who, account)
		id["accessKeyId"] = "ASIAEXAMPLECONSOLE"
		id["sessionContext"] = map[string]any{"attributes": attributes("true")}
		return map[string]any{"userIdentity": id, "sessionCredentialFromConsole": "true"}, nil
	case "federated":
		return map[string]any{"userIdentity": map[string]any{
			"type": "FederatedUser", "principalId": account + ":" + who, "arn": "arn:aws:sts::" + account + ":federated-user/" + who, "accountId": account,
			"accessKeyId": "ASIAEXAMPLEFEDERATED", "sessionContext": map[string]any{"attributes": attributes("false"), "sessionIssuer": map[string]any{
				"type": "IAMUser", "principalId": "AIDAEXAMPLEALICE", "arn": "arn:aws:iam::" + account + ":user/alice", "accountId": account, "userName": "alice"}},
		}}, nil
	case "service":
		return map[string]any{"userIdentity": map[string]any{"type": "AWSService", "invokedBy": who}, "sourceIPAddress": who, "userAgent": who}, nil
	case "via": // a service with the credentials of a role
		id := assumed("role/", "deploy", "session", account)
		id["invokedBy"] = who
		return map[string]any{"userIdentity": id, "sourceIPAddress": who, "userAgent": who}, nil
	case "instance":
		id := assumed("role/", "web", who, account)
		id["inScopeOf"] = map[string]any{"issuerType": "AWS::EC2::Instance", "credentialsIssuedTo": "arn:aws:ec2:" + Region + ":" + account + ":instance/" + who}
		id["sessionContext"].(map[string]any)["ec2RoleDelivery"] = "2.0"
		return map[string]any{"userIdentity": id}, nil
	case "function":
		id := assumed("role/service-role/", who+"-role", who, account)
		arn := "arn:aws:lambda:" + Region + ":" + account + ":function:" + who
		id["inScopeOf"] = map[string]any{"sourceArn": arn, "sourceAccount": account, "issuerType": "AWS::Lambda::Function", "credentialsIssuedTo": arn}
		return map[string]any{"userIdentity": id}, nil
	case "github":
		const issuer = "token.actions.githubusercontent.com"
		sub := "repo:" + who + ":ref:refs/heads/main"
		return map[string]any{"userIdentity": map[string]any{
			"type": "WebIdentityUser", "userName": sub, "identityProvider": "arn:aws:iam::" + account + ":oidc-provider/" + issuer,
			"principalId": "arn:aws:iam::" + account + ":oidc-provider/" + issuer + ":sts.amazonaws.com:" + sub,
		}}, nil
	case "account":
		return map[string]any{"userIdentity": map[string]any{"type": "AWSAccount", "principalId": "AIDAEXAMPLEFOREIGN", "accountId": who}}, nil
	}
	return nil, fmt.Errorf("as: %q is no caller; write one of %s", name, Forms)
}

func user(name, account string) map[string]any {
	return map[string]any{
		"type": "IAMUser", "principalId": "AIDAEXAMPLE" + letters(name), "arn": "arn:aws:iam::" + account + ":user/" + name, "accountId": account,
		"accessKeyId": "AKIAEXAMPLE" + letters(name), "userName": name,
	}
}

// assumed is the session of a role, whose path begins with role/.
func assumed(path, role, session, account string) map[string]any {
	id := "AROAEXAMPLE" + letters(role)
	return map[string]any{
		"type": "AssumedRole", "principalId": id + ":" + session, "arn": "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + session, "accountId": account,
		"accessKeyId": "ASIAEXAMPLE" + letters(role+session),
		"sessionContext": map[string]any{
			"sessionIssuer": map[string]any{"type": "Role", "principalId": id, "arn": "arn:aws:iam::" + account + ":" + path + role, "accountId": account, "userName": role},
			"attributes":    attributes("false"),
		},
	}
}

func attributes(mfa string) map[string]any {
	return map[string]any{"creationDate": started, "mfaAuthenticated": mfa}
}

// letters makes the end of a unique id of a name.
func letters(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(name))
}
