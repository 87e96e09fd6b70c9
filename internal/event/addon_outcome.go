package event

import "strings"

// outcomeFields say what was done and how it ended.
func outcomeFields() []Derived {
	const login = "responseElements.ConsoleLogin"
	failed := []string{"errorCode", login, "errorMessage", "eventName"}
	return []Derived{
		{Name: "errorCode", Inputs: failed, compute: errorCode,
			Doc: "The record's own; `failure` for a failed console login, `success` where there was no error."},
		{Name: "msg", Inputs: []string{"errorCode"}, compute: func(in inputs) Cell {
			if in.set(0) {
				return *in[0]
			}
			return one("success")
		}, Doc: "The record's errorCode, else `success`."},
		{Name: "action", Inputs: failed, compute: action,
			Doc: "What was done: created, deleted, modified, read, started, stopped, restarted; success or failure for authentication; unknown when it was refused."},
		{Name: "status", Inputs: failed, compute: func(in inputs) Cell {
			if failure(in) {
				return one("failure")
			}
			return one("success")
		}, Doc: "`success` or `failure`."},
		{Name: "change_type", Inputs: []string{"eventName", "eventSource"}, compute: changeType,
			Doc: "The kind of thing that changes: AAA for identities, network, filesystem, instance, …; missing for events that only read."},
		{Name: "object_category", Inputs: []string{"eventName", "eventSource"}, compute: func(in inputs) Cell { return category(in.text(0), in.text(1)) },
			Doc: "The kind of object: user, role, group, policy, instance, bucket, …"},
		{Name: "authentication_method", Inputs: []string{"eventName", "additionalEventData.MFAUsed", "userIdentity.type", "userIdentity.sessionContext.attributes.mfaAuthenticated"}, compute: authentication,
			Doc: "`MFA` or `SFA` where the event tells."},
	}
}

// failure reads errorCode, ConsoleLogin, errorMessage.
func failure(in inputs) bool {
	return in.set(0) && in.text(0) != "" || strings.EqualFold(in.text(1), "Failure")
}

func errorCode(in inputs) Cell {
	switch {
	case in.set(0):
		return *in[0]
	case in.text(1) == "Failure":
		return one("failure")
	}
	return one("success")
}

// verbs say what the first word of an event's name does. They are written for
// this project from what the words mean.
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

// action reads errorCode, ConsoleLogin, errorMessage, eventName.
func action(in inputs) Cell {
	name := in.text(3)
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
func authentication(in inputs) Cell {
	name := in.text(0)
	switch used := in.text(1); {
	case used == "Yes" && (name == "ConsoleLogin" || name == "CheckMfa"):
		return one("MFA")
	case used == "No" && name == "ConsoleLogin":
		return one("SFA")
	case (name == "AssumeRole" || name == "ListAliases") && in.text(2) == "AssumedRole" && in.text(3) == "false":
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
func changeType(in inputs) Cell {
	name, source := in.text(0), in.text(1)
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
