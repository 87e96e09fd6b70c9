package event

import "strings"

func init() { Register(group(GroupAddon, outcomeFields())...) }

// outcomeFields describe the action and its result.
func outcomeFields() []Field {
	const login = "responseElements.ConsoleLogin"
	failed := []string{"errorCode", login, "eventName"}
	return []Field{
		{Name: "errorCode", From: failed, Derive: errorCode,
			Doc: "The record's errorCode; `failure` for a failed console login, `success` if there was no error."},
		{Name: "msg", From: []string{"errorCode", "eventName"}, Derive: func(in Inputs) Cell {
			if in.Set(0) || !in.Set(1) {
				return *in[0]
			}
			return one("success")
		}, Doc: "The record's errorCode, otherwise `success`."},
		{Name: "action", From: failed, Derive: action,
			Doc: "What was done: created, deleted, modified, read, started, stopped, restarted; success or failure for authentication; unknown for denied calls."},
		{Name: "status", From: failed, Derive: func(in Inputs) Cell {
			switch {
			case !in.Set(2):
				return Cell{}
			case failure(in):
				return one("failure")
			}
			return one("success")
		}, Doc: "`success` or `failure`."},
		{Name: "change_type", From: []string{"eventName", "eventSource"}, Derive: changeType,
			Doc: "The kind of object that changes: AAA for identities, network, filesystem, instance, …; missing for read-only events."},
		{Name: "object_category", From: []string{"eventName", "eventSource"}, Derive: func(in Inputs) Cell { return category(in.Text(0), in.Text(1)) },
			Doc: "The kind of object: user, role, group, policy, instance, bucket and so on."},
		{Name: "authentication_method", From: []string{"eventName", "additionalEventData.MFAUsed", "userIdentity.type", "userIdentity.sessionContext.attributes.mfaAuthenticated"}, Derive: authentication,
			Doc: "`MFA` or `SFA`, if the event says."},
	}
}

// failure reads errorCode, ConsoleLogin.
func failure(in Inputs) bool {
	return in.Set(0) && in.Text(0) != "" || strings.EqualFold(in.Text(1), "Failure")
}

// errorCode reads errorCode, ConsoleLogin, eventName. Events that are not
// calls, such as Insights, do not count as successes.
func errorCode(in Inputs) Cell {
	switch {
	case in.Set(0):
		return *in[0]
	case in.Text(1) == "Failure":
		return one("failure")
	case !in.Set(2):
		return Cell{}
	}
	return one("success")
}

// verbs classify the first word of an event's name. They were written for this
// project from the meaning of the words.
var verbs = map[string]string{
	"Create": "created", "Run": "created", "Allocate": "created", "Register": "created", "Import": "created", "Request": "created", "Issue": "created", "Generate": "created", "Copy": "created", "Upload": "created", "Publish": "created", "Provision": "created", "Launch": "created",
	"Delete": "deleted", "Remove": "deleted", "Terminate": "deleted", "Release": "deleted", "Deregister": "deleted", "Purge": "deleted", "Cancel": "deleted", "Revoke": "deleted", "Detach": "modified", "Disassociate": "modified",
	"Put": "modified", "Modify": "modified", "Update": "modified", "Set": "modified", "Attach": "modified", "Associate": "modified", "Add": "modified", "Authorize": "modified", "Change": "modified", "Enable": "modified", "Disable": "modified", "Replace": "modified", "Tag": "modified", "Untag": "modified", "Reset": "modified", "Apply": "modified", "Restore": "modified", "Rotate": "modified", "Schedule": "modified", "Share": "modified", "Accept": "modified", "Reject": "modified", "Move": "modified", "Edit": "modified", "Deactivate": "modified", "Activate": "modified", "Upgrade": "modified", "Send": "modified", "Write": "modified", "Merge": "modified", "Leave": "modified", "Invite": "modified",
	"Start": "started", "Stop": "stopped", "Reboot": "restarted", "Restart": "restarted", "Resume": "started", "Suspend": "stopped",
	"Describe": "read", "List": "read", "Get": "read", "Head": "read", "Lookup": "read", "Batch": "read", "Search": "read", "Query": "read", "Scan": "read", "Select": "read", "Check": "read", "View": "read", "Simulate": "read", "Validate": "read", "Estimate": "read", "Preview": "read", "Decrypt": "read", "Encrypt": "read", "Verify": "read", "Sign": "read", "Filter": "read", "Download": "read", "Test": "read", "Discover": "read",
	"Assume": "success", "Console": "success", "Switch": "success", "Exit": "success", "Federate": "success", "Authenticate": "success", "Login": "success", "Logout": "success",
	"Invoke": "started", "Execute": "started", "Submit": "started",
}

// verb returns the first word of a name such as DeleteBucketPolicy.
func verb(name string) string {
	for i := 1; i < len(name); i++ {
		if name[i] >= 'A' && name[i] <= 'Z' {
			return name[:i]
		}
	}
	return name
}

func authenticates(name string) bool {
	return verbs[verb(name)] == "success" || name == "GetSessionToken" || name == "GetFederationToken" || name == "CheckMfa"
}

// action reads errorCode, ConsoleLogin, eventName.
func action(in Inputs) Cell {
	name := in.Text(2)
	if name == "" {
		return Cell{}
	}
	if authenticates(name) {
		if failure(in) {
			return one("failure")
		}
		return one("success")
	}
	if failure(in) {
		return one("unknown")
	}
	if a := verbs[verb(name)]; a != "" {
		return one(a)
	}
	return one("unknown")
}

// authentication reads eventName, MFAUsed, type, mfaAuthenticated.
func authentication(in Inputs) Cell {
	name := in.Text(0)
	switch used := in.Text(1); {
	case used == "Yes" && (name == "ConsoleLogin" || name == "CheckMfa"):
		return one("MFA")
	case used == "No" && name == "ConsoleLogin":
		return one("SFA")
	case (name == "AssumeRole" || name == "ListAliases") && in.Text(2) == "AssumedRole" && in.Text(3) == "false":
		return one("SFA")
	}
	return Cell{}
}

func changing(name string) bool {
	switch verbs[verb(name)] {
	case "created", "deleted", "modified", "started", "stopped", "restarted":
		return true
	}
	return false
}

// changeType reads eventName, eventSource.
func changeType(in Inputs) Cell {
	name, source := in.Text(0), in.Text(1)
	if !changing(name) {
		return Cell{}
	}
	if c := category(name, source); c.Set {
		if t := changeOf[c.Text]; t != "" {
			return one(t)
		}
	}
	service, _, _ := strings.Cut(source, ".")
	if t := changeOfService[service]; t != "" {
		return one(t)
	}
	return Cell{Text: service, Set: service != ""}
}

func join(vals ...string) Cell {
	switch len(vals) {
	case 0:
		return Cell{}
	case 1:
		return one(vals[0])
	}
	return Cell{Text: vals[0], Many: vals, Set: true}
}
