package event

import "strings"

// identityFields say who acted and on whose behalf.
func identityFields() []Derived {
	const (
		userName   = "userIdentity.userName"
		issuer     = "userIdentity.sessionContext.sessionIssuer.userName"
		arn        = "userIdentity.arn"
		roleArn    = "requestParameters.roleArn"
		session    = "requestParameters.sourceIdentity"
		account    = "userIdentity.accountId"
		recipient  = "recipientAccountId"
		identity   = "userIdentity.type"
		principal  = "userIdentity.principalId"
		target     = "requestParameters.userName"
		created    = "responseElements.user.userName"
		renamed    = "requestParameters.newUserName"
		loginTo    = "additionalEventData.LoginTo"
		assumedArn = "responseElements.assumedRoleUser.arn"
	)
	actor := []string{userName, session, issuer, arn, roleArn}
	return []Derived{
		{Name: "userName", Inputs: actor, compute: actorName,
			Doc: "Who acted: the user's name, else the source identity, the role behind a session, or the end of the ARN."},
		{Name: "user_name", Inputs: append(actor[:len(actor):len(actor)], "userIdentity.invokedBy"), compute: userOrService, Doc: "The same as `userName`; what a service does of itself is by the service."},
		{Name: "src_user", Inputs: actor, compute: actorName, Doc: "Who acted, also where `user` is who was acted on."},
		{Name: "src_user_name", Inputs: actor, compute: actorName, Doc: "The same as `src_user`."},
		{Name: "user", Inputs: []string{"eventName", userName, session, issuer, arn, roleArn, target, created, renamed, identity, principal, loginTo, assumedArn, "errorMessage"}, compute: subject,
			Doc: "Whom the event is about: for changes of users the one changed, for AssumeRole the role's session, else who acted."},
		{Name: "user_role", Inputs: []string{"eventName", assumedArn, roleArn, issuer}, compute: userRole,
			Doc: "The role behind a session; for AssumeRole the ARN of the session of the role taken on, else of the role asked for."},
		{Name: "user_arn", Inputs: []string{arn, roleArn}, compute: firstSet, Doc: "The ARN of who acted, or of the role asked for."},
		{Name: "user_agent", Inputs: []string{"userAgent", "userAgent{}"}, compute: firstSet, Doc: "The client program."},
		{Name: "vendor_account", Inputs: []string{account, recipient}, compute: firstSet, Doc: "The account of who acted, else the one that received the event."},
		{Name: "aws_account_id", Inputs: []string{identity, account, recipient}, compute: accountID,
			Doc: "The account of who acted; for callers from other accounts and services the one that received the event."},
		{Name: "vendor_product", compute: constant("AWS CloudTrail"), Doc: "Always AWS CloudTrail."},
		{Name: "vendor", compute: constant("AWS"), Doc: "Always AWS."},
		{Name: "product", compute: constant("CloudTrail"), Doc: "Always CloudTrail."},
	}
}

// userRole reads eventName, assumedRoleUser.arn, roleArn, issuer.
func userRole(in inputs) Cell {
	if strings.HasPrefix(in.text(0), "AssumeRole") {
		return firstSet(in[1:])
	}
	return *in[3]
}

// actorName reads userName, sourceIdentity, issuer, arn, roleArn.
func actorName(in inputs) Cell {
	for _, c := range in[:3] {
		if c.Set && c.first() != "" {
			return *c
		}
	}
	for _, c := range in[3:5] {
		if c.Set && c.first() != "" {
			return one(arnTail(c.first()))
		}
	}
	return Cell{}
}

// userOrService reads what actorName does, and invokedBy.
func userOrService(in inputs) Cell {
	if c := actorName(in); c.Set {
		return c
	}
	return *in[5]
}

// arnTail returns the last path segment of the last part of an ARN.
func arnTail(arn string) string {
	return arn[strings.LastIndexAny(arn, ":/")+1:]
}

func subject(in inputs) Cell {
	name, actor := in.text(0), actorName(in[1:6])
	pick := func(cells ...*Cell) Cell {
		for _, c := range cells {
			if c.Set && c.first() != "" {
				return *c
			}
		}
		return Cell{}
	}
	userName, issuer, target, created, renamed := in[1], in[3], in[6], in[7], in[8]
	switch {
	case name == "CreateUser":
		return pick(created, target)
	case name == "UpdateUser":
		return pick(renamed, target)
	case strings.HasSuffix(name, "User"), strings.HasSuffix(name, "LoginProfile"), strings.HasSuffix(name, "UserPolicy"), strings.HasSuffix(name, "AccessKey"):
		if target.Set {
			return *target
		}
		return actor
	case strings.HasPrefix(name, "AssumeRole"):
		if c := pick(in[12], in[5]); c.Set { // assumedRoleUser.arn, roleArn
			_, tail, _ := strings.Cut(c.first(), "/")
			return one(tail)
		}
	case name == "PutBucketAcl":
		return *userName
	case name == "ConsoleLogin":
		if in.text(9) == "AssumedRole" && in.set(11) {
			if _, session, ok := strings.Cut(in.text(10), ":"); ok {
				return one(session)
			}
		}
	case strings.HasSuffix(name, "Instances"), strings.HasSuffix(name, "Volume"), strings.HasPrefix(name, "Put"), strings.HasSuffix(name, "Bucket"):
		return pick(userName, issuer)
	}
	if userName.Set {
		return *userName
	}
	if u := deniedUser(in.text(13)); u != "" {
		return one(u)
	}
	return Cell{}
}

// deniedUser finds the user that a refusal names: "… iam:X on resource: user
// name …".
func deniedUser(msg string) string {
	_, rest, ok := strings.Cut(msg, " on resource: ")
	if !ok || !strings.Contains(msg, " iam:") {
		return ""
	}
	word, _, _ := strings.Cut(rest, " ")
	if word == "user" {
		_, word, _ = strings.Cut(rest, " ")
		word, _, _ = strings.Cut(word, " ")
		return word
	}
	if _, name, ok := strings.Cut(word, "user/"); ok {
		return name
	}
	return ""
}

// accountID reads type, accountId, recipientAccountId.
func accountID(in inputs) Cell {
	if t := in.text(0); t == "AWSAccount" || t == "AWSService" || !in.set(1) {
		return *in[2]
	}
	return *in[1]
}
