package event

import (
	"slices"
	"strings"
)

func init() { Register(group(GroupAddon, eventTypeFields())...) }

// eventTypeFields sort an event into the classes that Splunk's data models use.
func eventTypeFields() []Field {
	in := []string{"errorCode", "responseElements.ConsoleLogin", "eventName", "eventSource", "additionalEventData.LoginTo", "additionalEventData.MFAUsed", "eventCategory"}
	return []Field{
		{Name: "eventtype", From: append(slices.Clone(in), "eventType"), Derive: eventTypes, Doc: "The add-on's event types of the event."},
		{Name: "tag", From: in, Derive: tags, Doc: "The tags of its event types."},
		{Name: "tag::eventtype", From: in, OnRequest: true, Derive: tags, Doc: "The tags of its event types."},
	}
}

// class is the data that event types depend on.
type class struct {
	name, source           string
	login                  bool // ConsoleLogin
	loginTo, mfa           bool // LoginTo is set; with a second factor
	auth, change, deletion bool
	failed                 bool
	kind                   string // of the object, "" = unknown
	network, tool          bool   // through a VPC endpoint; from an MCP server
}

// eventType is one event type and its tags.
type eventType struct {
	name string
	tags []string
	has  func(c *class) bool
}

// eventTypeList holds the event types under the add-on's names.
var eventTypeList = []eventType{
	{"aws_cloudtrail_auth", []string{"authentication", "cloud"}, func(c *class) bool { return c.auth }},
	{"aws_cloudtrail_consolelogin_auth", []string{"authentication", "default"}, func(c *class) bool { return c.login && c.loginTo }},
	{"aws_cloudtrail_auth_privileged", []string{"authentication", "privileged", "cloud"}, func(c *class) bool { return c.login && !c.loginTo }},
	{"aws_cloudtrail_assumeRole_auth", []string{"authentication", "cloud"}, func(c *class) bool { return c.auth && strings.HasPrefix(c.name, "AssumeRole") }},
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
	{"aws_cloudtrail_network_activity", nil, func(c *class) bool { return c.network }},
	{"aws_cloudtrail_mcp", nil, func(c *class) bool { return c.tool }},
	{"aws_cloudtrail_ec2_events", nil, func(c *class) bool { return c.source == "ec2.amazonaws.com" }},
}

// networkActivity is the eventCategory of calls through a VPC endpoint.
const networkActivity = "NetworkActivity"

// EventTypes returns the tags of the built-in event types of CloudTrail events,
// by name.
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
// MFAUsed, eventCategory.
func classify(in Inputs) class {
	c := class{name: in.Text(2), source: in.Text(3), loginTo: in.Set(4), mfa: in.Text(5) == "Yes"}
	c.login = c.name == "ConsoleLogin"
	c.auth = authenticates(c.name)
	c.change = changing(c.name)
	c.deletion = verbs[verb(c.name)] == "deleted"
	c.failed = failure(in)
	c.kind = category(c.name, c.source).Text
	c.network = in.Text(6) == networkActivity
	if c.network { // the call has its own event, which is the one to count
		c.auth, c.change, c.deletion = false, false, false
	}
	return c
}

// eventTypes reads the leaves that classify reads, and eventType.
func eventTypes(in Inputs) Cell {
	c := classify(in)
	c.tool = in.Text(7) == "AwsMcpEvent" || c.source == "aws-mcp.amazonaws.com"
	var found Cell
	for i := range eventTypeList {
		if t := &eventTypeList[i]; t.has(&c) {
			found.add(t.name)
		}
	}
	return found
}

func tags(in Inputs) Cell {
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
