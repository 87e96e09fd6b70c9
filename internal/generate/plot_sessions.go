package generate

// stageSessions stages sessions of every kind, so that it can be checked who is
// found behind them.
func (p *plot) stageSessions() {
	p.stageConsoleSessions()
	p.stageChains()
	p.stageProviders()
	p.stageTokens()
	p.stageIssuedKeys()
	p.stageCenterSessions()
	p.stageAgentSessions()
	p.stageOtherCallers()
	p.stageUncertainSessions()
}

// play begins a labelled group of calls in an account's region of global services.
func (p *plot) play(name, note string, acc *account, a *actor, source, agent string) *deed {
	return p.lookalike(acc.lane("us-east-1"), a, source, agent, Label{Name: name, Note: note, Expect: Either})
}

// key is an access key that the plot issues.
func (p *plot) key(prefix string, acc *account, parts ...uint64) string {
	return identifier(prefix, acc.number, mix(p.seed, hashText("issued"), mix(parts...)), 20)
}

// nextKey is a key for the next call alone, as the console makes them.
func (p *plot) nextKey(acc *account) string { return p.key("ASIA", acc, uint64(len(p.scenes))) }

// userKey is a long-lived key of an IAM user of the plot.
func (p *plot) userKey(acc *account, name string) string { return p.key("AKIA", acc, hashText(name)) }

// playedUser is an IAM user with a long-lived key whose first call is at a time.
func (p *plot) playedUser(acc *account, name string, at int64) *actor {
	c := p.org.userCaller(acc, name)
	c.AccessKeyID = p.userKey(acc, name)
	return c.plays(name, userVerdict(&c, window(c.AccessKeyID, at)))
}

func userVerdict(c *caller, session string) verdict {
	return verdict{actor: c.ARN, kind: "iam-user", session: session, name: c.UserName, certain: true}
}

// signInArn is the ARN of a session of the sign-in service.
func (p *plot) signInArn(acc *account, name string) string {
	return string(acc.lane("us-east-1").signInSession(nil, mix(p.seed, hashText("sign-in"), hashText(name))))
}

// lookAround stages calls a while apart, beginning at a time.
func (d *deed) lookAround(at int64, kinds ...string) *deed {
	for i, kind := range kinds {
		d.do(at+int64(i)*70, kind, nil, nil)
	}
	return d
}

// console stages calls of the console, each with a key of its own. change may
// alter the caller of the i-th.
func (d *deed) console(at int64, c caller, who verdict, change func(i int, c *caller), kinds ...string) {
	for i, kind := range kinds {
		each := c
		each.AccessKeyID = d.plot.nextKey(d.lane.account)
		if change != nil {
			change(i, &each)
		}
		a := each.plays(c.UserName, who)
		a.console = true
		d.as(a).do(at+int64(i)*70, kind, nil, nil)
	}
}

// stageConsoleSessions stages IAM users in the console: one whose session
// has an ARN, and one known by principal and start alone.
func (p *plot) stageConsoleSessions() {
	prod := p.org.account("prod")
	kinds := []string{"s3:ListBuckets", "iam:ListUsers", "iam:ListRoles", "iam:GetAccountSummary", "cloudtrail:DescribeTrails"}
	sign := func(name, user string, at int64, arn string) {
		c := p.org.userCaller(prod, user)
		d := p.play(name, "one session, with a key for each request", prod, c.plays(user, userVerdict(&c, window(c.PrincipalID, at))), p.org.people[2].home, browsers[0])
		d.do(at, "console-login", vars{"outcome": "Success", "mfa": "Yes"}, nil)
		c = c.since(at, "", true)
		who := userVerdict(&c, c.session())
		if arn != "" {
			who.session = arn
		}
		d.console(at+30, c, who, func(i int, c *caller) {
			switch {
			case arn == "" && i == 3:
				c.AccessKeyID = ""
			case arn != "" && i != 2: // not every service writes the session
				*c = c.with(func(s *callerSession) { s.SignIn = arn })
			}
		}, kinds...)
	}
	sign("sign-in-session", "nadia.frei", p.at(5, 9, 0), p.signInArn(prod, "nadia.frei"))
	sign("console-session", "oskar.lang", p.at(5, 9, 40), "")
}

// hop is an AssumeRole.
type hop struct {
	acc           *account
	role, session string
	source        string // source identity, "" = none
}

// start returns the session that the hop starts, and the call that does.
func (p *plot) start(at int64, h hop) (c caller, kind string, v vars) {
	c = p.org.roleCaller(h.acc, h.role, "", h.session).since(at, p.key("ASIA", h.acc, hashText(h.role), uint64(at)), false)
	kind, v = "assume-role", vars{"account": h.acc.id, "role": h.role, "session": h.session, "id": h.acc.roleID(p.org.seed, h.role), "key": c.AccessKeyID}
	if h.source != "" {
		kind, v["source"] = "assume-role-source", h.source
		c = c.with(func(s *callerSession) { s.Source = h.source })
	}
	return c, kind, v
}

// playsFor makes an actor of the hop's session that a call by another started.
func (h *hop) playsFor(c *caller, by *actor, source string) *actor {
	return c.plays(h.role, by.issued("assumed by", source, c.session(), "role "+h.role+", session "+h.session))
}

// assume stages the hop by the deed's actor, who goes on as the role. If the role
// is another account's, that has a record of the call, too.
func (d *deed) assume(at int64, h hop) *deed {
	p, from, was := d.plot, d.lane, d.actor
	c, kind, v := p.start(at, h)
	if from.account != h.acc {
		d.twin = mix(p.seed, hashText("twin"), uint64(len(p.scenes)))
	}
	d.do(at, kind, v, nil)
	d.grow("key", c.AccessKeyID)
	if from.account != h.acc {
		d.as(was.abroad(at)).in(h.acc.lane("us-east-1")).do(at, kind, v, nil)
		d.twin = 0
	}
	return d.as(h.playsFor(&c, was, d.source))
}

// abroad is the actor as another account's record has it: by principal alone.
func (a *actor) abroad(at int64) *actor {
	c := caller{Type: "AWSAccount", PrincipalID: a.caller.PrincipalID, AccountID: a.caller.AccountID}
	who := a.who
	who.session, who.name, who.rest = window(c.PrincipalID, at), "", ""
	if a.caller.Session == nil { // no record says which user has the principal
		who.actor, who.kind = c.AccountID+"/"+c.PrincipalID, "account"
	} else { // a session, which only its name joins to its start
		who.certain = false
	}
	return c.plays(a.name, who)
}

// stageChains stages AssumeRole over hops and accounts, and with a source identity.
func (p *plot) stageChains() {
	dev, prod, security := p.org.account("dev"), p.org.account("prod"), p.org.account("security")
	at := p.at(5, 10, 30)
	d := p.play("assumed-over-accounts", "a user, over roles of three accounts", dev, p.playedUser(dev, "lena.moser", at), p.org.people[3].home, shells[0])
	d.do(at, "sts:GetCallerIdentity", nil, nil)
	d.assume(at+60, hop{acc: dev, role: "support-entry", session: "lena"}).lookAround(at+90, "iam:ListRoles")
	d.assume(at+300, hop{acc: security, role: "support-hub", session: "lena-hub"}).lookAround(at+330, "sts:GetCallerIdentity", "cloudtrail:DescribeTrails")
	d.assume(at+600, hop{acc: prod, role: "support-target", session: "lena-prod"}).lookAround(at+630, "iam:ListUsers", "s3:ListBuckets")

	at = p.at(5, 11, 30)
	d = p.play("source-identity", "the chain's start and its source identity agree", dev, p.playedUser(dev, "paul.ritter", at), p.org.people[4].home, shells[0])
	d.assume(at, hop{acc: dev, role: "deploy-entry", session: "run-41", source: "paul.ritter"})
	d.assume(at+40, hop{acc: dev, role: "deploy-final", session: "run-41", source: "paul.ritter"}).lookAround(at+60, "iam:ListRoles", "sts:GetCallerIdentity")

	at = p.at(5, 12, 10)
	lost := p.org.roleCaller(dev, "vendor-access", "", "ticket-7731").since(at-600, p.key("ASIA", dev, 7731), false).with(func(s *callerSession) { s.Source = "marta@partner.example" })
	p.play("source-identity-alone", "the session's start is not in the trail, but its source identity is", dev, lost.plays("vendor-access", verdict{actor: "marta@partner.example", kind: "role",
		session: lost.session(), name: "role vendor-access, session ticket-7731", rest: ", with the source identity marta@partner.example", certain: true}),
		p.org.people[5].home, shells[1]).lookAround(at, "iam:ListRoles", "iam:ListUsers")
}

// stageProviders stages roles assumed with SAML and with a token of GitHub, the
// latter going on to another role.
func (p *plot) stageProviders() {
	prod, dev := p.org.account("prod"), p.org.account("dev")
	at := p.at(5, 13, 0)
	name, provider := "carla.wolf@"+organisationDomain, "Zm9jdXMtaWRwLTE0NzM="
	saml := caller{Type: "SAMLUser", PrincipalID: provider + ":" + name, UserName: name, Provider: provider}
	who := verdict{actor: name, kind: "saml-user", session: window(saml.PrincipalID, at), name: name, certain: true}
	d := p.play("saml-session", "assumed with SAML, then the console with a key for each request", prod, saml.plays(name, who), p.org.people[6].home, browsers[2])
	c := p.org.roleCaller(prod, "saml-analyst", "", name).since(at, p.key("ASIA", prod, hashText("saml"), uint64(at)), false)
	d.do(at, "assume-role-saml", vars{"account": prod.id, "role": "saml-analyst", "session": name, "id": prod.roleID(p.org.seed, "saml-analyst"), "key": c.AccessKeyID, "provider": provider}, nil)
	d.grow("key", c.AccessKeyID)
	who = d.actor.issued("assumed by", d.source, c.session(), "role saml-analyst, session "+name)
	d.as(c.plays("saml-analyst", who)).lookAround(at+5, "sts:GetCallerIdentity")
	d.console(at+60, c, who, nil, "s3:ListBuckets", "iam:ListRoles", "cloudtrail:DescribeTrails")

	at = p.at(5, 14, 0)
	issuer := "arn:aws:iam::" + dev.id + ":oidc-provider/token.actions.githubusercontent.com"
	subject := "repo:northwind-ferries/timetable:ref:refs/heads/main"
	token := caller{Type: "WebIdentityUser", PrincipalID: issuer + ":sts.amazonaws.com:" + subject, UserName: subject, Provider: issuer}
	who = verdict{actor: subject, kind: "oidc-user", session: window(token.PrincipalID, at), name: subject, certain: true}
	d = p.play("web-identity-session", "a workflow's token for a role, and on to a role of another account", dev, token.plays(subject, who), addressIn(rangeRunners, p.seed).String(), pipelineAgents[0])
	c = p.org.roleCaller(dev, "github-release", "", "GitHubActions").since(at, p.key("ASIA", dev, hashText("oidc"), uint64(at)), false)
	d.do(at, "assume-role-web-identity", vars{"account": dev.id, "role": "github-release", "session": "GitHubActions", "id": dev.roleID(p.org.seed, "github-release"), "key": c.AccessKeyID, "provider": issuer, "subject": subject}, nil)
	d.grow("key", c.AccessKeyID)
	d.as(c.plays("github-release", d.actor.issued("assumed by", d.source, c.session(), "role github-release, session GitHubActions"))).lookAround(at+5, "sts:GetCallerIdentity", "iam:GetRole")
	d.assume(at+200, hop{acc: prod, role: "release-target", session: "timetable-1841"}).lookAround(at+210, "iam:ListAttachedRolePolicies", "iam:GetRole")
}

// stageTokens stages what GetFederationToken, GetSessionToken and AssumeRoot issue.
func (p *plot) stageTokens() {
	prod, dev := p.org.account("prod"), p.org.account("dev")
	const credentialsIssued = "with credentials issued to"
	at := p.at(4, 9, 15)
	user := p.playedUser(dev, "fed.broker", at)
	d := p.play("federation-token", "a broker's user gives out a session, which goes on in the console", dev, user, p.org.people[7].home, shells[0])
	c := caller{Type: "FederatedUser", PrincipalID: dev.id + ":guest-31", ARN: "arn:aws:sts::" + dev.id + ":federated-user/guest-31", AccountID: dev.id,
		Session: &callerSession{Issuer: &callerIssuer{Type: "IAMUser", PrincipalID: user.caller.PrincipalID, ARN: user.arn, AccountID: dev.id, UserName: user.name}}}
	c = c.since(at, p.key("ASIA", dev, hashText("federation"), uint64(at)), false)
	d.do(at, "federation-token", vars{"name": "guest-31", "key": c.AccessKeyID}, nil)
	d.grow("key", c.AccessKeyID)
	who := d.actor.issued(credentialsIssued, d.source, c.session(), "federated user guest-31")
	d.as(c.plays("guest-31", who)).lookAround(at+20, "sts:GetCallerIdentity", "s3:ListBuckets")
	d.agent = browsers[1]
	d.console(at+240, c, who, nil, "iam:ListUsers", "iam:ListRoles")

	at = p.at(4, 10, 0)
	user = p.playedUser(prod, "tessa.kern", at)
	d = p.play("session-token", "a user's own session with a second factor", prod, user, p.org.people[8].home, shells[1])
	c = user.caller.since(at, p.key("ASIA", prod, hashText("session"), uint64(at)), true)
	d.do(at, "session-token", vars{"user": user.name, "key": c.AccessKeyID}, nil)
	d.grow("key", c.AccessKeyID)
	d.as(c.plays(user.name, d.actor.issued(credentialsIssued, d.source, c.session(), user.name))).lookAround(at+10, "iam:ListUsers", "s3:ListBuckets", "iam:GetAccountSummary")

	at = p.at(4, 10, 40)
	management := p.org.account("management")
	user = p.playedUser(management, "root.access", at)
	d = p.play("assumed-root-session", "central root access to a member account", management, user, p.org.people[9].home, shells[0])
	c = rootCaller(prod).since(at, p.key("ASIA", prod, hashText("root"), uint64(at)), false).with(func(s *callerSession) { s.AssumedRoot = "true" })
	d.do(at, "assume-root", vars{"account": prod.id, "key": c.AccessKeyID}, nil)
	d.grow("key", c.AccessKeyID)
	d.as(c.plays("root", d.actor.issued("assumed by", d.source, c.session(), "assumed root of "+prod.id))).in(prod.lane("us-east-1"))
	d.do(at+15, "unlock-bucket", vars{"bucket": prod.lane("us-east-1").pools[poolBucket][1]}, nil)
	d.do(at+40, "iam:GetAccountSummary", nil, nil)
}

// stageIssuedKeys stages a key that one user makes for another, and a user whose
// calls lie in two idle windows.
func (p *plot) stageIssuedKeys() {
	prod := p.org.account("prod")
	at := p.at(6, 8, 30)
	d := p.play("created-key", "a key made for another user, who uses it two days later", prod, p.playedUser(prod, "iam.admin", at), p.org.people[10].home, shells[0])
	d.do(at, "create-user", vars{"user": "report.reader"}, nil)
	d.grow("arn", p.org.userCaller(prod, "report.reader").ARN)
	d.do(at+12, "create-access-key", vars{"user": "report.reader", "key": p.userKey(prod, "report.reader")}, nil)
	d.grow("key", p.userKey(prod, "report.reader"))
	later := p.at(4, 7, 5)
	reader := p.playedUser(prod, "report.reader", later)
	reader.who.rest = ", with a key created by iam.admin from " + d.source
	d.as(reader)
	d.source, d.agent = addressIn(rangeHosting, mix(p.seed, hashText("reader"))).String(), machineAgents[1]
	d.lookAround(later, "sts:GetCallerIdentity", "s3:ListBuckets", "iam:GetUser")

	at = p.at(3, 13, 0)
	idle := p.playedUser(prod, "nightly.sync", at)
	d = p.play("idle-windows", "a key's calls with 35 minutes between them", prod, idle, addressIn(rangeHosting, mix(p.seed, hashText("idle"))).String(), machineAgents[1])
	d.do(at, "s3:ListBuckets", nil, nil)
	d.do(at+25*60, "sts:GetCallerIdentity", nil, nil)
	d.do(at+50*60, "s3:ListBuckets", nil, nil)
	second := *idle
	second.who.session = window(idle.caller.AccessKeyID, at+85*60)
	d.as(&second)
	d.do(at+85*60, "s3:ListBuckets", nil, nil)
	d.do(at+86*60, "sts:GetCallerIdentity", nil, nil)
}
