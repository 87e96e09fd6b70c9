package alert

import (
	"strings"
	"unicode"
)

// deed is a call in words.
type deed struct {
	infinitive string // create an access key
	past       string // created an access key
	joint      string // before the object: " for ", " on "
	own        string // not empty = the object is named already, or means nothing
}

// deeds are calls that no rule of words describes well.
var deeds = map[string]deed{
	"ConsoleLogin":                  {"sign in to the console", "signed in to the console", "", "-"},
	"AssumeRole":                    {"assume the role", "assumed the role", " ", ""},
	"AssumeRoleWithSAML":            {"assume the role", "assumed the role", " ", ""},
	"AssumeRoleWithWebIdentity":     {"assume the role", "assumed the role", " ", ""},
	"AssumeRoot":                    {"act as the root user of", "acted as the root user of", " ", ""},
	"GetCallerIdentity":             {"ask who it is", "asked who it is", "", "-"},
	"GetSessionToken":               {"get temporary credentials", "got temporary credentials", " for ", ""},
	"GetFederationToken":            {"get temporary credentials", "got temporary credentials", " for ", ""},
	"GetSigninToken":                {"get a token to sign in to the console", "got a token to sign in to the console", "", "-"},
	"SwitchRole":                    {"switch to the role", "switched to the role", " ", ""},
	"CreateAccessKey":               {"create an access key", "created an access key", " for ", ""},
	"CreateLoginProfile":            {"create a console password", "created a console password", " for ", ""},
	"UpdateLoginProfile":            {"change the console password", "changed the console password", " of ", ""},
	"DeactivateMFADevice":           {"turn off multi-factor authentication", "turned off multi-factor authentication", " for ", ""},
	"AttachUserPolicy":              {"attach a policy to the user", "attached a policy to the user", " ", ""},
	"AttachRolePolicy":              {"attach a policy to the role", "attached a policy to the role", " ", ""},
	"AttachGroupPolicy":             {"attach a policy to the group", "attached a policy to the group", " ", ""},
	"PutUserPolicy":                 {"write a policy into the user", "wrote a policy into the user", " ", ""},
	"PutRolePolicy":                 {"write a policy into the role", "wrote a policy into the role", " ", ""},
	"PutGroupPolicy":                {"write a policy into the group", "wrote a policy into the group", " ", ""},
	"AddUserToGroup":                {"add a user to the group", "added a user to the group", " ", ""},
	"UpdateAssumeRolePolicy":        {"change who may assume the role", "changed who may assume the role", " ", ""},
	"SetDefaultPolicyVersion":       {"put another version of the policy into force", "put another version of the policy into force", " ", ""},
	"PassRole":                      {"pass the role", "passed the role", " ", ""},
	"RunInstances":                  {"launch instances", "launched instances", ": ", ""},
	"GetPasswordData":               {"read the Windows password", "read the Windows password", " of ", ""},
	"SendSSHPublicKey":              {"push an SSH key", "pushed an SSH key", " to ", ""},
	"SendSerialConsoleSSHPublicKey": {"push an SSH key for the serial console", "pushed an SSH key for the serial console", " of ", ""},
	"SendCommand":                   {"run a command", "ran a command", " on ", ""},
	"StartSession":                  {"open a shell session", "opened a shell session", " on ", ""},
	"AuthorizeSecurityGroupIngress": {"open the security group", "opened the security group", " ", ""},
	"AuthorizeSecurityGroupEgress":  {"allow outgoing traffic in the security group", "allowed outgoing traffic in the security group", " ", ""},
	"StopLogging":                   {"stop the trail", "stopped the trail", " ", ""},
	"GetSecretValue":                {"read the secret", "read the secret", " ", ""},
	"GetObject":                     {"read objects", "read objects", " in ", ""},
	"PutObject":                     {"write objects", "wrote objects", " to ", ""},
	"DeleteObject":                  {"delete objects", "deleted objects", " in ", ""},
	"DeleteObjects":                 {"delete objects", "deleted objects", " in ", ""},
	"CopyObject":                    {"copy objects", "copied objects", " to ", ""},
	"ListBuckets":                   {"list all buckets", "listed all buckets", "", "-"},
	"ModifyImageAttribute":          {"change who may use the image", "changed who may use the image", " ", ""},
	"ModifySnapshotAttribute":       {"change who may use the snapshot", "changed who may use the snapshot", " ", ""},
	"ModifyDBSnapshotAttribute":     {"change who may use the database snapshot", "changed who may use the database snapshot", " ", ""},
	"LeaveOrganization":             {"leave the organization", "left the organization", "", "-"},
	"InvokeModel":                   {"use an AI model", "used an AI model", ": ", ""},
	"Converse":                      {"use an AI model", "used an AI model", ": ", ""},
	"PasswordRecoveryRequested":     {"ask for a new root password", "asked for a new root password", "", "-"},
	"ScheduleKeyDeletion":           {"schedule the deletion of the encryption key", "scheduled the deletion of the encryption key", " ", ""},
}

// verb is the first word of a call. Whether an article follows depends on the call: one
// makes a trail, but deletes the trail.
type verb struct {
	infinitive, past string
	article          string // "a" or "the"
}

var verbs = map[string]verb{
	"Accept": {"accept", "accepted", "the"}, "Add": {"add", "added", "a"}, "Allocate": {"allocate", "allocated", "a"}, "Apply": {"apply", "applied", "the"},
	"Associate": {"associate", "associated", "the"}, "Attach": {"attach", "attached", "a"}, "Authorize": {"authorize", "authorized", "the"},
	"Cancel": {"cancel", "canceled", "the"}, "Change": {"change", "changed", "the"}, "Copy": {"copy", "copied", "the"},
	"Create": {"create", "created", "a"}, "Deactivate": {"turn off", "turned off", "the"}, "Delete": {"delete", "deleted", "the"}, "Deregister": {"deregister", "deregistered", "the"},
	"Describe": {"look at", "looked at", "the"}, "Detach": {"detach", "detached", "the"}, "Disable": {"disable", "disabled", "the"}, "Disassociate": {"dissociate", "dissociated", "the"},
	"Download": {"download", "downloaded", "the"}, "Enable": {"enable", "enabled", "the"}, "Execute": {"execute", "executed", "the"}, "Export": {"export", "exported", "the"},
	"Get": {"read", "read", "the"}, "Import": {"import", "imported", "a"}, "Invite": {"invite", "invited", "the"}, "Invoke": {"invoke", "invoked", "the"}, "List": {"list", "listed", "the"},
	"Modify": {"change", "changed", "the"}, "Move": {"move", "moved", "the"}, "Publish": {"publish", "published", "the"}, "Put": {"set", "set", "the"}, "Reboot": {"reboot", "rebooted", "the"},
	"Register": {"register", "registered", "a"}, "Remove": {"remove", "removed", "the"}, "Replace": {"replace", "replaced", "the"}, "Request": {"request", "requested", "a"},
	"Reset": {"reset", "reset", "the"}, "Restore": {"restore", "restored", "the"}, "Revoke": {"revoke", "revoked", "the"}, "Rotate": {"rotate", "rotated", "the"}, "Run": {"run", "ran", "the"},
	"Schedule": {"schedule", "scheduled", "the"}, "Search": {"search", "searched", "the"}, "Send": {"send", "sent", "a"}, "Set": {"set", "set", "the"}, "Share": {"share", "shared", "the"},
	"Simulate": {"simulate", "simulated", "the"}, "Start": {"start", "started", "the"}, "Stop": {"stop", "stopped", "the"}, "Suspend": {"suspend", "suspended", "the"},
	"Tag": {"tag", "tagged", "the"}, "Terminate": {"terminate", "terminated", "the"}, "Untag": {"remove tags from", "removed tags from", "the"}, "Update": {"change", "changed", "the"},
	"Upload": {"upload", "uploaded", "a"}, "Upgrade": {"upgrade", "upgraded", "the"}, "Verify": {"verify", "verified", "the"},
}

// deedOf puts a call in words. known is false if it has none: then the name of the call
// stands for them.
func deedOf(name string) (d deed, known bool) {
	if d, ok := deeds[name]; ok {
		return d, true
	}
	words := camel(name)
	if words[0] == "Batch" && len(words) > 2 { // BatchGetImage
		words = words[1:]
	}
	v, ok := verbs[words[0]]
	if !ok || len(words) < 2 || len(words) > 8 {
		return deed{"call " + plain(name), "called " + plain(name), " on ", ""}, false
	}
	rest := words[1:]
	for i, w := range rest {
		if w != strings.ToUpper(w) { // IAM, MFA, DB stay
			rest[i] = strings.ToLower(w)
		}
	}
	noun := strings.Join(rest, " ")
	article := v.article + " "
	switch last := rest[len(rest)-1]; {
	case v.article == "a" && strings.HasSuffix(last, "s") && !strings.HasSuffix(last, "ss"):
		article = ""
	case v.article == "a" && strings.ContainsRune("aeioAEIO", rune(noun[0])):
		article = "an "
	}
	noun = article + noun
	return deed{v.infinitive + " " + noun, v.past + " " + noun, " ", ""}, true
}

// camel cuts the name of a call into words: DeleteDBSnapshot is Delete, DB, Snapshot.
func camel(name string) (words []string) {
	r := []rune(name)
	start := 0
	for i := 1; i < len(r); i++ {
		switch {
		case !unicode.IsLetter(r[i]) && !unicode.IsDigit(r[i]):
			return []string{name}
		case unicode.IsUpper(r[i]) && !unicode.IsUpper(r[i-1]), unicode.IsUpper(r[i]) && i+1 < len(r) && unicode.IsLower(r[i+1]):
			words = append(words, string(r[start:i]))
			start = i
		}
	}
	return append(words, string(r[start:]))
}
