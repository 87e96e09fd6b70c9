package generate

import (
	"cmp"
	"encoding/json"
)

// caller is a userIdentity, its fields in the order of AWS's own records.
type caller struct {
	Type        string         `json:"type,omitempty"`
	PrincipalID string         `json:"principalId,omitempty"`
	ARN         string         `json:"arn,omitempty"`
	AccountID   string         `json:"accountId,omitempty"`
	AccessKeyID string         `json:"accessKeyId,omitempty"`
	UserName    string         `json:"userName,omitempty"`
	Session     *callerSession `json:"sessionContext,omitempty"`
	InvokedBy   string         `json:"invokedBy,omitempty"`
	Delegate    *ofAccount     `json:"invokedByDelegate,omitempty"`
	Scope       *callerScope   `json:"inScopeOf,omitempty"`
	Behalf      *callerBehalf  `json:"onBehalfOf,omitempty"`
	Credential  string         `json:"credentialId,omitempty"`
	Provider    string         `json:"identityProvider,omitempty"`
}

type callerSession struct {
	Issuer     *callerIssuer `json:"sessionIssuer,omitempty"`
	Attributes struct {
		Created string `json:"creationDate"`
		MFA     string `json:"mfaAuthenticated"`
	} `json:"attributes"`
	SignIn       string `json:"signInSessionArn,omitempty"`
	Source       string `json:"sourceIdentity,omitempty"`
	RoleDelivery string `json:"ec2RoleDelivery,omitempty"`
	AssumedRoot  string `json:"assumedRoot,omitempty"`
}

type callerIssuer struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn"`
	AccountID   string `json:"accountId"`
	UserName    string `json:"userName"`
}

type callerScope struct {
	Source     string `json:"sourceArn"`
	Account    string `json:"sourceAccount"`
	IssuerType string `json:"issuerType"`
	IssuedTo   string `json:"credentialsIssuedTo"`
}

type callerBehalf struct {
	UserID string `json:"userId"`
	Store  string `json:"identityStoreArn"`
}

type ofAccount struct {
	AccountID string `json:"accountId"`
}

// plays makes an actor of the caller; name stands for it in what its calls say.
func (c caller) plays(name string, who verdict) *actor {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // a caller holds only strings
	}
	arn := cmp.Or(c.ARN, c.UserName, c.PrincipalID, c.InvokedBy, c.AccountID)
	return &actor{name: name, arn: arn, encrypted: c.InvokedBy == "", head: string(text), who: who, caller: &c}
}

// since gives the caller temporary credentials issued at a time.
func (c caller) since(unix int64, key string, mfa bool) caller {
	s := callerSession{}
	if c.Session != nil {
		s = *c.Session
	}
	s.Attributes.Created, s.Attributes.MFA = string(appendTime(nil, unix)), string(appendBool(nil, mfa))
	c.Session, c.AccessKeyID = &s, key
	return c
}

// with changes a copy of the session.
func (c caller) with(change func(s *callerSession)) caller {
	s := *c.Session
	change(&s)
	c.Session = &s
	return c
}

// session is the id of the session of temporary credentials.
func (c *caller) session() string { return c.PrincipalID + "@" + c.Session.Attributes.Created }

// window is the id of the idle window of a holder of long-lived credentials that
// begins with a call.
func window(holder string, unix int64) string {
	return holder + "@" + string(appendTime(nil, unix-unix%60))
}

// userCaller is an IAM user, without a key.
func (o *organisation) userCaller(acc *account, name string) caller {
	arn := "arn:aws:iam::" + acc.id + ":user/" + name
	return caller{Type: "IAMUser", PrincipalID: o.userID(acc, arn), ARN: arn, AccountID: acc.id, UserName: name}
}

// roleCaller is a session of a role, without its credentials. path is "" or such as "/service-role".
func (o *organisation) roleCaller(acc *account, role, path, session string) caller {
	id := acc.roleID(o.seed, role)
	return caller{Type: "AssumedRole", PrincipalID: id + ":" + session, ARN: "arn:aws:sts::" + acc.id + ":assumed-role/" + role + "/" + session, AccountID: acc.id,
		Session: &callerSession{Issuer: &callerIssuer{Type: "Role", PrincipalID: id, ARN: "arn:aws:iam::" + acc.id + ":role" + path + "/" + role, AccountID: acc.id, UserName: role}}}
}

// rootCaller is root, without a key.
func rootCaller(acc *account) caller {
	return caller{Type: "Root", PrincipalID: acc.id, ARN: "arn:aws:iam::" + acc.id + ":root", AccountID: acc.id}
}
