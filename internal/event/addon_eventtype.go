package event

import "strings"

// eventTypeFields put an event into the classes that Splunk's data models ask
// for.
func eventTypeFields() []Derived {
	in := []string{"errorCode", "responseElements.ConsoleLogin", "eventName", "eventSource", "additionalEventData.LoginTo", "additionalEventData.MFAUsed"}
	return []Derived{
		{Name: "eventtype", Inputs: in, compute: eventTypes, Doc: "The add-on's event types that the event has."},
		{Name: "tag", Inputs: in, compute: tags, Doc: "The tags of its event types."},
		{Name: "tag::eventtype", Inputs: in, OnRequest: true, compute: tags, Doc: "The tags of its event types."},
	}
}

// class is what event types look at.
type class struct {
	name, source           string
	login                  bool // ConsoleLogin
	loginTo, mfa           bool // says where to; with a second factor
	auth, change, deletion bool
	failed                 bool
	kind                   string // of the object, "" = unknown
}

// eventType is one event type and its tags.
type eventType struct {
	name string
	tags []string
	has  func(c *class) bool
}

// eventTypeList holds the event types by the add-on's names.
var eventTypeList = []eventType{
	{"aws_cloudtrail_auth", []string{"authentication", "cloud"}, func(c *class) bool { return c.auth }},
	{"aws_cloudtrail_consolelogin_auth", []string{"authentication", "default"}, func(c *class) bool { return c.login && c.loginTo }},
	{"aws_cloudtrail_auth_privileged", []string{"authentication", "privileged", "cloud"}, func(c *class) bool { return c.login && !c.loginTo }},
	{"aws_cloudtrail_assumeRole_auth", []string{"authentication", "cloud"}, func(c *class) bool { return strings.HasPrefix(c.name, "AssumeRole") }},
	{"aws_cloudtrail_multifactor_auth", []string{"authentication", "cloud"}, func(c *class) bool { return c.mfa }},
	{"aws_cloudtrail_change", []string{"change"}, func(c *class) bool { return c.change }},
	{"aws_cloudtrail_endpoint_change", []string{"change", "endpoint"}, func(c *class) bool { return c.change && c.kind == "instance" }},
	{"aws_cloudtrail_iam_change", []string{"change"}, func(c *class) bool { return c.change && c.iam() }},
	{"aws_cloudtrail_iam_change_acctmgmt", []string{"change", "account", "management"}, func(c *class) bool { return c.change && c.iam() && c.account() }},
	{"aws_cloudtrail_acctmgmt", []string{"change", "account", "management"}, func(c *class) bool { return c.change && c.account() }},
	{"aws_cloudtrail_delete_events", nil, func(c *class) bool { return c.deletion }},
	{"aws_cloudtrail_notable_network_events", []string{"change", "network"}, func(c *class) bool { return c.change && changeOf[c.kind] == "network" }},
	{"aws_cloudtrail_errors", []string{"error"}, func(c *class) bool { return c.failed }},
	{"aws_cloudtrail_instance", []string{"change", "instance"}, func(c *class) bool { return c.change && c.kind == "instance" }},
	{"aws_cloudtrail_ec2_events", nil, func(c *class) bool { return c.source == "ec2.amazonaws.com" }},
}

// EventTypes returns the tags of the event types that CloudTrail events have of
// themselves, by name.
func EventTypes() map[string][]string {
	m := map[string][]string{}
	for _, t := range eventTypeList {
		m[t.name] = t.tags
	}
	return m
}

func (c *class) iam() bool { return c.source == "iam.amazonaws.com" }

func (c *class) account() bool { return c.kind == "user" || c.kind == "group" || c.kind == "role" }

// classify reads errorCode, ConsoleLogin, eventName, eventSource, LoginTo,
// MFAUsed.
func classify(in inputs) class {
	c := class{name: in.text(2), source: in.text(3), loginTo: in.set(4), mfa: in.text(5) == "Yes"}
	c.login = c.name == "ConsoleLogin"
	c.auth = authenticates(c.name)
	c.change = changing(c.name)
	c.deletion = verbs[verb(c.name)] == "deleted"
	c.failed = failure(in)
	c.kind = category(c.name, c.source).Text
	return c
}

func eventTypes(in inputs) Cell {
	c := classify(in)
	var found Cell
	for i := range eventTypeList {
		if t := &eventTypeList[i]; t.has(&c) {
			found.add(t.name)
		}
	}
	return found
}

func tags(in inputs) Cell {
	c := classify(in)
	var found Cell
	for i := range eventTypeList {
		t := &eventTypeList[i]
		if !t.has(&c) {
			continue
		}
		for _, tag := range t.tags {
			if !found.has(tag) {
				found.add(tag)
			}
		}
	}
	return found
}
