package event

import (
	"strings"

	"bluetrail/internal/jsonscan"
)

// The values of the field outcome.
const (
	Success = "success"
	Denied  = "denied" // refused by a policy, or a sign-in that failed
	Failed  = "error"  // any other error
)

// signIns are the leaves that say Failure when a sign-in failed. Such events
// have no errorCode.
var signIns = []string{
	"responseElements.ConsoleLogin", "responseElements.CheckMfa", "responseElements.SwitchRole",
	"serviceEventDetails.CredentialVerification", "serviceEventDetails.UserAuthentication",
}

func init() {
	Register(Field{Name: "outcome", Group: GroupRecord, Type: Text, From: append([]string{"eventName", "errorCode"}, signIns...),
		Derive: func(in Inputs) Cell {
			if !in.Set(0) {
				return Cell{}
			}
			for i := range signIns {
				if in.Text(1) == "" && strings.EqualFold(in.Text(2+i), "Failure") {
					return one(Denied)
				}
			}
			return one(OutcomeOf(in.Text(1)))
		},
		Doc: "How the call ended: `success`, `denied` (AccessDenied, Client.UnauthorizedOperation, VpceAccessDenied and the like; also a failed sign-in) or `error` (any other errorCode, also Client.DryRunOperation: nothing was done)."})
}

// refusals are parts of the error codes by which services refuse a call, in lower
// case.
var refusals = []string{"accessdenied", "unauthorized", "notauthorized", "forbidden", "authfailure", "authorizationerror", "nopermission"}

// OutcomeOf returns the outcome of a call with this errorCode, "" = none.
func OutcomeOf(errorCode string) string {
	if errorCode == "" {
		return Success
	}
	lower := strings.ToLower(errorCode)
	for _, part := range refusals {
		if strings.Contains(lower, part) {
			return Denied
		}
	}
	return Failed
}

// Outcome returns the field outcome of a CloudTrail record, "" for one without
// an eventName, such as an Insights event, and for what is no record.
func Outcome(raw []byte) string {
	named, code, refused := false, "", false
	err := eachMember(raw, func(key, val []byte) {
		switch string(key) {
		case "eventName":
			named = jsonscan.KindOf(val) != jsonscan.Null
		case "errorCode":
			if jsonscan.KindOf(val) != jsonscan.Null {
				code = jsonscan.Scalar(val)
			}
		case "responseElements", "serviceEventDetails":
			if len(val) == 0 || val[0] != '{' {
				return
			}
			part := string(key) + "."
			// An error of the inner object is one of the record.
			_ = eachMember(val, func(key, val []byte) {
				for _, leaf := range signIns {
					if strings.HasPrefix(leaf, part) && leaf[len(part):] == string(key) && jsonscan.KindOf(val) == jsonscan.String && strings.EqualFold(jsonscan.Scalar(val), "Failure") {
						refused = true
					}
				}
			})
		}
	})
	switch {
	case err != nil || !named:
		return ""
	case code == "" && refused:
		return Denied
	}
	return OutcomeOf(code)
}

// eachMember calls f for the members of the object that raw is, with the key as
// written, without its quotes.
func eachMember(raw []byte, f func(key, val []byte)) error {
	i := jsonscan.Space(raw, 0)
	if i >= len(raw) || raw[i] != '{' {
		return notObject(raw, i)
	}
	if i = jsonscan.Space(raw, i+1); i < len(raw) && raw[i] == '}' {
		return nil
	}
	for more := true; more; {
		key, val, err := jsonscan.Key(raw, i)
		if err != nil {
			return err
		}
		if i, err = jsonscan.Skip(raw, val, jsonscan.MaxDepth-1); err != nil {
			return err
		}
		f(key[1:len(key)-1], raw[val:i])
		if i, more, err = jsonscan.Next(raw, i, '}'); err != nil {
			return err
		}
	}
	return nil
}
