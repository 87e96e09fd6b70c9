package actor

import (
	"bluetrail/internal/event"
	"bluetrail/internal/identity"
)

// AddRow adds an event whose leaves are in a row of identity.Record, with its facts.
func (r *Recorder) AddRow(row *event.Row, f *identity.Facts) {
	source, name := identity.Names(row)
	code, message, readOnly, region := identity.Outcome(row)
	c := &f.Caller
	call := Call{
		Source: source, Name: name, Region: region, Account: c.Recipient, Address: c.Address, Agent: c.Agent,
		Read: readOnly == "true", Console: c.Console, MFA: c.MFA, MCP: c.InvokedBy == identity.MCPServer,
		SignIn: name == "ConsoleLogin" && code == "" && message == "" && source == "signin.amazonaws.com",
	}
	call.Through = c.InvokedBy != "" && !call.MCP && c.Type != "AWSService"
	if code != "" {
		call.Denied = event.OutcomeOf(code) == event.Denied
		call.Failed = !call.Denied
	}
	r.Add(f, &call)
}
