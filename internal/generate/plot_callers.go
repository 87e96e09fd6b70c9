package generate

import "fmt"

// centerCaller is a person's role session by Identity Center, begun at a time.
func (p *plot) centerCaller(acc *account, u *person, at int64) caller {
	return p.org.roleCaller(acc, u.setRole(acc), setRolePath, u.email).since(at, p.key("ASIA", acc, hashText(u.email), uint64(at)), false)
}

func centerVerdict(u *person, c *caller) verdict {
	return verdict{actor: u.email, kind: "identity-center-user", session: c.session(), name: "role " + c.Session.Issuer.UserName + ", session " + u.email, certain: true}
}

// stageCenterSessions stages people of Identity Center: by user id alone, by a role
// session, and behind a role that only some of its records name them for.
func (p *plot) stageCenterSessions() {
	management, data := p.org.account("management"), p.org.account("prod")
	u, at := p.org.people[11], p.at(3, 9, 0)
	sign := p.org.centerUser(management.lane("us-east-1"), u)
	id := p.org.onBehalf(u).UserID
	sign.who = verdict{actor: u.email, kind: "identity-center-user", session: window(id, at), name: id, certain: true}
	d := p.play("identity-center-session", "signed in by user id, then a role; not every record says for whom", management, sign, u.home, u.agent)
	flow := string(appendUUID(nil, mix(p.seed, hashText("flow"), hashText(u.email))))
	for i, kind := range []string{"sso-challenge", "sso-verification", "sso-authentication", "sso-role"} {
		d.do(at+int64(i)*9, kind, vars{"flow": flow, "credential": "PASSWORD", "outcome": "Success", "account": data.id, "role": u.set}, nil)
	}
	c := p.centerCaller(data, u, at+60)
	who := centerVerdict(u, &c)
	d.in(data.lane("us-east-1"))
	d.agent = u.cli
	for i, kind := range []string{"sts:GetCallerIdentity", "s3:ListBuckets", "iam:ListRoles"} {
		each := c
		if i == 1 {
			each.Behalf = p.org.onBehalf(u)
		}
		d.as(each.plays(u.email, who)).do(at+70+int64(i)*30, kind, nil, nil)
	}

	at += 1800
	role := p.org.roleCaller(data, "warehouse-query", "", "query-2207").since(at, p.key("ASIA", data, hashText("warehouse"), uint64(at)), false)
	who = verdict{actor: u.email, kind: "identity-center-user", session: role.session(), name: "role warehouse-query, session query-2207", certain: true}
	d = p.play("on-behalf-of", "one record of the session says for whom the role works", data, role.plays("warehouse-query", who), addressIn(gateways["eu-central-1"], p.seed).String(), machineAgents[0])
	for i, kind := range []string{"s3:ListBuckets", "kms:Decrypt", "s3:GetObject"} {
		each := role
		if i == 1 {
			each.Behalf = p.org.onBehalf(u)
		}
		d.as(each.plays("warehouse-query", who)).do(at+20+int64(i)*15, kind, nil, nil)
	}
}

// stageAgentSessions stages sign-in grants and calls by an agent: CreateOAuth2Token
// and later use, and calls through the AWS MCP server.
func (p *plot) stageAgentSessions() {
	dev := p.org.account("dev")
	at := p.at(3, 10, 0)
	user := p.org.userCaller(dev, "rosa.imhof").since(at-900, "", true)
	browser := user.with(func(s *callerSession) { s.SignIn = p.signInArn(dev, "rosa.imhof browser") })
	browser.AccessKeyID = p.nextKey(dev)
	a := browser.plays(user.UserName, userVerdict(&user, browser.Session.SignIn))
	a.console = true
	d := p.play("oauth-token", "the browser grants the command line a session, whose keys change", dev, a, p.org.people[12].home, browsers[0])
	granted := p.signInArn(dev, "rosa.imhof shell")
	d.do(at, "create-token", vars{"session": granted}, nil)
	who := d.actor.issued("signed in by", d.source, granted, user.UserName)
	d.agent = shells[0]
	for i, kind := range []string{"sts:GetCallerIdentity", "s3:ListBuckets", "iam:ListUsers"} {
		c := p.org.userCaller(dev, user.UserName).since(at+1, p.key("ASIA", dev, hashText("shell"), uint64(i/2)), true).with(func(s *callerSession) { s.SignIn = granted })
		d.as(c.plays(user.UserName, who)).do(at+60+int64(i)*45, kind, nil, nil)
	}

	at = p.at(3, 11, 0)
	agent := p.playedUser(dev, "coding.agent", at)
	d = p.play("mcp-session", "a tool's calls and what they lead to have the same request id", dev, agent, p.org.people[12].home, "mcp-proxy-for-aws/1.1.0")
	const server = "aws-mcp.amazonaws.com"
	behind := *agent.caller
	behind.InvokedBy = server
	home, proxy := d.source, d.agent
	for i, name := range []string{"iam:ListUsers", "iam:ListRoles"} {
		// The call that follows in the scenes has this request id.
		then := call{kind: kindOf(name), seed: mix(p.seed, uint64(len(p.scenes)+1))}
		d.as(agent).do(at+int64(i)*20, "call-tool", vars{"api": name, "request": string(then.requestID(nil))}, nil)
		d.source, d.agent = server, server
		d.as(behind.plays(agent.name, agent.issued("through the AWS MCP server for", home, agent.who.session, agent.name))).do(at+1+int64(i)*20, name, nil, nil)
		d.source, d.agent = home, proxy
	}
}

// stageOtherCallers stages root, a delegate, services, a stranger and nobody.
func (p *plot) stageOtherCallers() {
	prod, dev := p.org.account("prod"), p.org.account("dev")
	at := p.at(2, 9, 0)
	root := rootCaller(dev)
	rootly := func(session string) verdict {
		return verdict{actor: root.ARN, kind: "root", session: session, name: "root of " + dev.id, certain: true}
	}
	d := p.play("root-session", "root by password, in the console", dev, root.plays("root", rootly(window(dev.id, at))), p.org.people[0].home, browsers[0])
	d.do(at, "console-login", vars{"outcome": "Success", "mfa": "Yes"}, nil)
	c := root.since(at, "", true)
	d.console(at+20, c, rootly(c.session()), nil, "iam:GetAccountSummary", "iam:ListUsers")

	at = p.at(2, 10, 0)
	c = p.org.roleCaller(prod, "product-setup", "", "onboarding").since(at-60, p.key("ASIA", prod, hashText("delegate")), false)
	vendor := 100_000_000_000 + within(mix(p.seed, hashText("vendor")), 899_999_999_999)
	c.Delegate = &ofAccount{fmt.Sprint(vendor)}
	p.play("delegate", "a product's provider with access that was delegated to it", prod, c.plays("product-setup", verdict{actor: fmt.Sprint(vendor), kind: "delegate", session: c.session(),
		name: "role product-setup, session onboarding", certain: true}), addressIn(rangeHosting, mix(p.seed, hashText("vendor"))).String(), machineAgents[2]).lookAround(at, "iam:GetRole", "iam:ListRoles")

	at = p.at(2, 10, 30)
	const service = "ec2.amazonaws.com"
	l := prod.lane("us-east-1")
	instance := string(appendHex([]byte("i-"), mix(p.seed, hashText("instance")), 17))
	c = p.org.roleCaller(prod, "web-instance", "", instance).since(at, p.key("ASIA", prod, hashText("instance"), uint64(at)), false).with(func(s *callerSession) { s.RoleDelivery = "2.0" })
	c.Scope = &callerScope{Source: l.instanceArn(instance), Account: prod.id, IssuerType: "AWS::EC2::Instance", IssuedTo: l.instanceArn(instance)}
	ec2 := serviceVerdict(service)
	ec2.name = service
	d = p.play("instance-session", "a service gives an instance its role", prod, caller{Type: "AWSService", InvokedBy: service}.plays(service, ec2), service, service)
	d.do(at, "assume-role", vars{"account": prod.id, "role": "web-instance", "session": instance, "id": prod.roleID(p.org.seed, "web-instance"), "key": c.AccessKeyID}, nil)
	who := d.actor.issued("assumed by", service, c.session(), "role web-instance, session "+instance)
	who.actor, who.kind = c.Session.Issuer.ARN, "role"
	d.source, d.agent = addressIn(gateways["us-east-1"], p.seed).String(), machineAgents[0]
	d.as(c.plays("web-instance", who)).lookAround(at+40, "s3:ListBuckets", "sts:GetCallerIdentity")

	at = p.at(2, 11, 0)
	const backup = "backup.amazonaws.com"
	c = p.org.roleCaller(prod, "AWSServiceRoleForBackup", "/aws-service-role/"+backup, "AWSBackup-weekly").since(at-5, p.key("ASIA", prod, hashText("backup")), false)
	c.InvokedBy = backup
	p.play("service-linked-role", "a service under its own role", prod, c.plays("AWSServiceRoleForBackup", verdict{actor: backup, kind: "service", session: c.session(),
		name: "role AWSServiceRoleForBackup, session AWSBackup-weekly", certain: true}), backup, backup).lookAround(at, "ec2:DescribeVolumes", "ec2:DescribeSnapshots")

	at = p.at(2, 11, 30)
	// The record of an anonymous request has nothing that tells one from another.
	nobody := caller{Type: "AWSAccount", AccountID: "anonymous"}
	p.play("anonymous", "an object that anyone may read", prod, nobody.plays("anonymous", verdict{actor: "anonymous", kind: "anonymous", session: "AWSAccount/anonymous/@" + string(appendTime(nil, at)), name: "account anonymous", certain: true}),
		addressIn(rangeHosting, mix(p.seed, hashText("anonymous"))).String(), browsers[2]).
		do(at, "get-object", vars{"bucket": l.pools[poolBucket][0], "key": "public/timetable.pdf"}, nil)

	at = p.at(2, 11, 40)
	foreign := fmt.Sprint(vendor + 1)
	c = caller{Type: "AWSAccount", PrincipalID: identifier("AIDA", vendor+1, mix(p.seed, hashText("foreign user")), 21), AccountID: foreign}
	stranger := c.plays("stranger", verdict{actor: foreign + "/" + c.PrincipalID, kind: "account", session: window(c.PrincipalID, at), name: "account " + foreign, certain: true})
	stranger.shared = true
	p.play("foreign-account", "a user of another organization reads a shared object", prod, stranger, addressIn(rangeHosting, mix(p.seed, hashText("foreign user"))).String(), shells[1]).
		do(at, "get-object", vars{"bucket": l.pools[poolBucket][0], "key": "shared/tides.csv.gz"}, nil)
}

// stageUncertainSessions stages sessions whose start is not in the trail.
func (p *plot) stageUncertainSessions() {
	const lost = " (uncertain: who started the session is not in the records)"
	prod := p.org.account("prod")
	at := p.at(2, 13, 0)
	c := p.org.roleCaller(prod, "legacy-batch", "", "batch-7").since(at-7200, p.key("ASIA", prod, hashText("legacy")), false)
	who := assumedVerdict(prod, "legacy-batch", "")
	who.session, who.name, who.rest = c.session(), "role legacy-batch, session batch-7", lost
	p.play("start-unknown", "nothing says who started the session", prod, c.plays("legacy-batch", who), addressIn(gateways["eu-central-1"], p.seed).String(), machineAgents[0]).
		lookAround(at, "s3:ListBuckets", "iam:GetRole")

	at = p.at(2, 14, 0)
	user := p.playedUser(prod, "vera.stein", at)
	d := p.play("start-by-name", "two sessions of one name: the trail has the start of one", prod, user, p.org.people[13].home, shells[0])
	d.assume(at, hop{acc: prod, role: "on-call", session: "pager"}).lookAround(at+20, "iam:ListRoles")
	again := d.actor.caller.since(at+3000, p.key("ASIA", prod, hashText("pager"), 2), false)
	who = d.actor.who
	who.session, who.certain = again.session(), false
	who.rest = ", assumed by vera.stein (uncertain: by the name of the session)"
	d.as(again.plays("on-call", who)).lookAround(at+3100, "iam:ListRoles", "s3:ListBuckets")

	at = p.at(2, 15, 0)
	c = rootCaller(prod).since(at-120, p.key("ASIA", prod, hashText("lost root")), false).with(func(s *callerSession) { s.AssumedRoot = "true" })
	p.play("assumed-root-unknown", "central root access from an account whose trail is not at hand", prod, c.plays("root",
		verdict{actor: c.ARN, kind: "assumed-root", session: c.session(), name: "assumed root of " + prod.id, rest: lost}), p.org.people[14].home, shells[0]).
		lookAround(at, "iam:GetAccountSummary", "iam:ListUsers")

	at = p.at(2, 15, 30)
	c = caller{Type: "FederatedUser", PrincipalID: prod.id + ":visitor", ARN: "arn:aws:sts::" + prod.id + ":federated-user/visitor", AccountID: prod.id}.
		since(at-600, p.key("ASIA", prod, hashText("visitor")), false)
	p.play("federation-unknown", "neither the call nor the record says which user gave out the session", prod, c.plays("visitor",
		verdict{actor: c.ARN, kind: "federated-user", session: c.session(), name: "federated user visitor", rest: lost}), p.org.people[15].home, shells[1]).
		lookAround(at, "s3:ListBuckets", "sts:GetCallerIdentity")
}
