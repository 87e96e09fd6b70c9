package event

func init() {
	for _, f := range []Field{
		{Name: "actor", Doc: "Who is behind the event: the first human or robot, found by following credentials back. An ARN for users, roles and root, the name of a federated user, a service, or an account."},
		{Name: "actor_type", Doc: "What the actor is, such as `iam-user`, `role`, `identity-center-user`, `service` or `anonymous`."},
		{Name: "actor_class", Doc: "What kind of actor it is by the evidence so far: `person`, `aws_service`, `automation`, `scanner`, `agent` (an AI agent) or `unknown`. See docs/actors.md."},
		{Name: "session_id", Doc: "The session that the event belongs to: a sign-in session, a session of temporary credentials, or an idle window of a long-lived key."},
		{Name: "actor_chain", Doc: "The way from the caller back to the actor in words, and why it is uncertain if it is."},
	} {
		f.Group, f.Type, f.OnRequest, f.resolved = GroupActor, Text, true, true
		f.Derive = func(Inputs) Cell { return Cell{} }
		Register(f)
	}
}

// Resolved reports whether a field depends on other events than its own, so that
// neither an Extractor nor a store can derive it: package store/actors adds it to the
// rows of a store. An Extractor returns the leaf of the same name, if the record has one.
func Resolved(name string) bool {
	f := catalogue.byName[name]
	return f != nil && f.resolved
}
