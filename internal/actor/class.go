// Package actor keeps what actors usually do, and says what kind of actor each one is: a
// person, automation, a scanner and so on. See docs/actors.md.
package actor

import "slices"

// Class is a kind of actor.
type Class string

// The classes of actors.
const (
	Person     Class = "person"
	Service    Class = "aws_service"
	Automation Class = "automation" // continuous integration, infrastructure as code, applications
	Scanner    Class = "scanner"    // reads the whole configuration
	Agent      Class = "agent"      // an AI agent, on behalf of whoever
	Unknown    Class = "unknown"
)

// Classes are all classes.
var Classes = []Class{Person, Service, Automation, Scanner, Agent, Unknown}

// Known reports whether c is one of Classes.
func (c Class) Known() bool { return slices.Contains(Classes, c) }

// Opinion is what is thought of an actor.
type Opinion struct {
	Class      Class
	Confidence float64 // 0 to 1

	// Trusted says that rules may lower their severity for the class: the user said what
	// the actor is, or part of the evidence is out of reach for whoever only holds its
	// credentials.
	Trusted bool
	Reasons []string // sentences, the weightiest first
}
