package event

import (
	"slices"
	"strings"
)

// Derived is a field that Splunk's AWS add-on derives from a record. It is set
// only on events of the sourcetype aws:cloudtrail, where it goes before a field
// of the record that has its name.
type Derived struct {
	Name   string
	Inputs []string // fields of the record it is made from
	Alias  bool     // it is a plain copy of Inputs[0]
	// OnRequest: it is not one of the fields of an event, and is made only for
	// who asks for it by name; a field of the record with its name goes first.
	OnRequest bool
	Doc       string

	compute func(in inputs) Cell
	member  string // in the place of compute: the JSON text of this member
}

// inputs are the cells of a Derived's Inputs, in their order.
type inputs []*Cell

func (in inputs) text(i int) string { return in[i].first() }
func (in inputs) set(i int) bool    { return in[i].Set }

var (
	derivedList   []Derived // what events have of themselves, by name
	derivedByName = map[string]*Derived{}
)

func init() {
	derivedList = slices.Concat(aliases(), identityFields(), outcomeFields(), objectFields(), networkFields(), eventTypeFields())
	slices.SortFunc(derivedList, func(a, b Derived) int { return strings.Compare(a.Name, b.Name) })
	for i := range derivedList {
		derivedByName[derivedList[i].Name] = &derivedList[i]
	}
	for _, d := range append(ocsfFields(), earlierAliases()...) {
		if derivedByName[d.Name] == nil {
			derivedByName[d.Name] = &d
		}
	}
}

// aliases are the fields that only rename one of the record's.
func aliases() []Derived {
	var list []Derived
	for _, a := range [][2]string{
		{"src", "sourceIPAddress"}, {"src_ip", "sourceIPAddress"}, {"signature", "eventName"}, {"command", "eventName"},
		{"app", "eventType"}, {"dvc", "eventSource"}, {"region", "awsRegion"}, {"vendor_region", "awsRegion"},
		{"reason", "errorMessage"}, {"result_id", "errorCode"}, {"user_group_id", "userIdentity.accountId"},
		{"start_time", "eventTime"}, {"temp_access_key", "responseElements.credentials.accessKeyId"},
		{"user_access_key", "userIdentity.accessKeyId"}, {"user_type", "userIdentity.type"}, {"rule_action", "requestParameters.ruleAction"},
		{"user_id", "userIdentity.principalId"}, {"src_user_id", "userIdentity.principalId"}, {"src_user_type", "userIdentity.type"},
		{"src_user_role", "userIdentity.sessionContext.sessionIssuer.userName"},
		{"result", "errorMessage"}, {"vpc_id", "requestParameters.vpcId"},
	} {
		list = append(list, Derived{Name: a[0], Inputs: []string{a[1]}, Alias: true, Doc: "The same as `" + a[1] + "`."})
	}
	return list
}

// earlierAliases are names that versions of the add-on before the present one
// gave, and that searches written for those still ask for.
func earlierAliases() []Derived {
	var list []Derived
	for _, a := range [][2]string{
		{"event_name", "eventName"}, {"http_user_agent", "userAgent"}, {"mfa_auth", "userIdentity.sessionContext.attributes.mfaAuthenticated"},
	} {
		list = append(list, Derived{Name: a[0], Inputs: []string{a[1]}, Alias: true, OnRequest: true, Doc: "An earlier name of `" + a[1] + "`."})
	}
	return list
}

// firstSet returns the first of the inputs that has a value.
func firstSet(in inputs) Cell {
	for _, c := range in {
		if c.Set {
			return *c
		}
	}
	return Cell{}
}

func constant(s string) func(inputs) Cell { return func(inputs) Cell { return one(s) } }

// Addon returns the derived field of a name, nil when there is none.
func Addon(name string) *Derived {
	if d := derivedByName[name]; d != nil {
		return d
	}
	return unmappedField(name)
}
