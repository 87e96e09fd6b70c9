package event

import (
	"slices"
	"strings"
)

func init() { Register(group(GroupAddon, identityFields())...) }

// identityFields say who acted and on whose behalf.
func identityFields() []Field {
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
		source     = "userIdentity.sessionContext.sourceIdentity"
		onBehalfOf = "userIdentity.onBehalfOf.userId"
		invokedBy  = "userIdentity.invokedBy"
		address    = "sourceIPAddress"
	)
	actor := []string{userName, session, issuer, arn, roleArn}
	return []Field{
		{Name: "userName", From: actor, Derive: actorName,
			Doc: "Who acted: the user's name, otherwise the source identity, the role behind a session, or the end of the ARN."},
		{Name: "user_name", From: slices.Concat(actor, []string{onBehalfOf, invokedBy}), Derive: actorOr, Doc: "The same as `src_user`; the service when a service acts on its own."},
		{Name: "src_user", From: slices.Concat(actor, []string{onBehalfOf}), Derive: actorOr, Doc: "Who acted, even if `user` is the user acted on; the user id for an Identity Center user without a name."},
		{Name: "src_user_name", From: slices.Concat(actor, []string{onBehalfOf}), Derive: actorOr, Doc: "The same as `src_user`."},
		{Name: "user", From: []string{"eventName", userName, session, issuer, arn, roleArn, target, created, renamed, identity, principal, loginTo, assumedArn, "errorMessage", source, onBehalfOf, invokedBy, address}, Derive: user,
			Doc: "The subject of the event: the changed user, for AssumeRole the role's session, otherwise who acted: the user's name, the name of a person's session, the role, or the service."},
		{Name: "user_role", From: []string{"eventName", assumedArn, roleArn, issuer}, Derive: userRole,
			Doc: "The role behind a session; for AssumeRole, the ARN of the assumed role session, otherwise of the requested role."},
		{Name: "user_arn", From: []string{arn, roleArn}, Derive: firstSet, Doc: "The ARN of the caller, or of the requested role."},
		{Name: "user_agent", From: []string{"userAgent", "userAgent{}"}, Derive: firstSet, Doc: "The client program."},
		{Name: "vendor_account", From: []string{account, recipient}, Derive: firstSet, Doc: "The account of the caller, otherwise the account that received the event."},
		{Name: "aws_account_id", From: []string{identity, account, recipient}, Derive: accountID,
			Doc: "The account of the caller; for callers from other accounts and for services, the account that received the event."},
		{Name: "vendor_product", Derive: constant("AWS CloudTrail"), Doc: "Always AWS CloudTrail."},
		{Name: "vendor", Derive: constant("AWS"), Doc: "Always AWS."},
		{Name: "product", Derive: constant("CloudTrail"), Doc: "Always CloudTrail."},
	}
}

// userRole reads eventName, assumedRoleUser.arn, roleArn, issuer.
func userRole(in Inputs) Cell {
	if strings.HasPrefix(in.Text(0), "AssumeRole") {
		return firstSet(in[1:])
	}
	return *in[3]
}

// actorName reads userName, sourceIdentity, issuer, arn, roleArn.
func actorName(in Inputs) Cell {
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

// actorOr reads the leaves that actorName reads, and a fallback.
func actorOr(in Inputs) Cell {
	if c := actorName(in); c.Set {
		return c
	}
	return firstSet(in[5:])
}

// arnTail returns the last path segment of the last part of an ARN.
func arnTail(arn string) string {
	return arn[strings.LastIndexAny(arn, ":/")+1:]
}

// user returns the add-on's value for user, or the actor if the add-on's value
// is empty.
func user(in Inputs) Cell {
	if c := subject(in); c.Set && c.first() != "" {
		return c
	}
	userName, issuer, arn, kind := in.Text(1), in.Text(3), in.Text(4), in.Text(9)
	source, onBehalfOf, invokedBy, address := in.Text(14), in.Text(15), in.Text(16), in.Text(17)
	session := sessionName(in.Text(10), arn)
	switch {
	case userName != "":
		return one(userName)
	case source != "":
		return one(source)
	case session != "" && (strings.HasPrefix(issuer, "AWSReservedSSO_") || strings.Contains(arn, ":assumed-role/AWSReservedSSO_") || isAddress(session)):
		return one(session)
	case issuer != "":
		return one(issuer)
	case session != "" && strings.Contains(arn, ":assumed-role/"): // a record without sessionIssuer
		role, _, _ := strings.Cut(arn[strings.Index(arn, "/")+1:], "/")
		return one(role)
	case arn != "":
		return one(arnTail(arn))
	case onBehalfOf != "":
		return one(onBehalfOf)
	case invokedBy != "":
		return one(invokedBy)
	case kind == "AWSService" && strings.HasSuffix(address, ".amazonaws.com"):
		return one(address)
	}
	return Cell{}
}

// sessionName returns the name of a role's session: the text after the colon in
// principalId, or else the end of the ARN.
func sessionName(principal, arn string) string {
	if _, session, ok := strings.Cut(principal, ":"); ok {
		return session
	}
	if strings.Contains(arn, ":assumed-role/") {
		return arnTail(arn)
	}
	return ""
}

// isAddress reports whether a session's name is an e-mail address, as single
// sign-on names people's sessions.
func isAddress(name string) bool {
	at := strings.IndexByte(name, '@')
	return at > 0 && strings.Contains(name[at:], ".") && !strings.ContainsAny(name, " /:")
}

// subject returns the user that the add-on considers an event to be about. It
// is empty for most calls by sessions of roles and services.
func subject(in Inputs) Cell {
	name, actor := in.Text(0), actorName(in[1:6])
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
		if in.Text(12) != "" { // assumedRoleUser.arn
			return one(arnTail(in.Text(12)))
		}
		if in.Text(5) != "" { // roleArn
			_, tail, _ := strings.Cut(in.Text(5), "/")
			return one(tail)
		}
	case name == "GetSecretValue":
		if _, session, ok := strings.Cut(in.Text(10), ":"); ok && session != "" {
			return one(session)
		}
	case name == "PutBucketAcl":
		return *userName
	case name == "ConsoleLogin":
		if in.Text(9) == "AssumedRole" && in.Set(11) {
			if _, session, ok := strings.Cut(in.Text(10), ":"); ok {
				return one(session)
			}
		}
	case strings.HasSuffix(name, "Instances"), strings.HasSuffix(name, "Volume"), strings.HasPrefix(name, "Put"), strings.HasSuffix(name, "Bucket"):
		return pick(userName, issuer)
	}
	if userName.Set {
		return *userName
	}
	if u := deniedUser(in.Text(13)); u != "" {
		return one(u)
	}
	return Cell{}
}

// deniedUser extracts the user from an access-denied message: "… iam:X on
// resource: user name …".
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
func accountID(in Inputs) Cell {
	if t := in.Text(0); t == "AWSAccount" || t == "AWSService" || !in.Set(1) {
		return *in[2]
	}
	return *in[1]
}
