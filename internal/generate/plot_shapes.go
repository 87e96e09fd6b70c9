package generate

import "fmt"

// stageIdentityCenter stages sign-ins to the access portal of Identity Center, at
// most limit events of them.
func (p *plot) stageIdentityCenter(limit int) {
	l := p.org.account("management").lane("us-east-1")
	start := len(p.scenes)
	for before := int64(1); before < 7; before++ {
		for i := range 3 {
			u := p.org.people[(i*5+int(before))%len(p.org.people)]
			at := p.at(before, 8, int64(i)*11) - u.office.offset
			if weekday(at+u.office.offset) >= 5 || len(p.scenes)-start+8 > limit && before > 1 {
				continue
			}
			d := p.lookalike(l, p.org.centerUser(l, u), u.home, u.agent, Label{Name: "identity-center-sign-in", Note: "password and one-time code, then the credentials of a role"})
			flow := string(appendUUID(nil, mix(p.seed, hashText("flow"), uint64(before), uint64(i))))
			if i == 1 { // a mistyped password
				d.do(at-20, "sso-verification", vars{"flow": string(appendUUID(nil, mix(p.seed, hashText("typo"), uint64(before)))), "credential": "PASSWORD", "outcome": "Failure"}, nil)
			}
			for j, step := range []struct{ kind, credential string }{
				{"sso-challenge", "PASSWORD"}, {"sso-verification", "PASSWORD"}, {"sso-challenge", "TOTP"}, {"sso-verification", "TOTP"}, {"sso-authentication", "PASSWORD,TOTP"}, {"sso-role", ""},
			} {
				d.do(at+int64(j)*9, step.kind, vars{"flow": flow, "credential": step.credential, "outcome": "Success", "account": p.org.accounts[1].id, "role": u.set}, nil)
			}
			acc := p.org.accounts[1]
			provider := string(appendText(nil, hashText(acc.name), 27, base64Letters)) + "="
			subject := caller{Type: "SAMLUser", PrincipalID: provider + ":" + u.email, UserName: u.email, Provider: provider}
			role := u.setRole(acc)
			d.as(subject.plays(u.email, verdict{})).in(acc.lane("us-east-1")).do(at+6*9, "assume-role-sso", vars{"account": acc.id, "role": role, "session": u.email, "id": acc.roleID(p.org.seed, role), "provider": provider, "instance": string(appendHex(nil, mix(p.org.seed, acc.number), 16))}, nil)
		}
	}
}

// stageSpray stages a try of one password with many users of Identity Center.
func (p *plot) stageSpray() {
	l := p.org.account("management").lane("us-east-1")
	source := addressIn(rangeHosting, mix(p.seed, hashText("spray"))).String()
	d := p.attack(l, p.org.centerUser(l, p.org.people[0]), source, browsers[1], Label{Name: "identity-center-spray", Story: "sign-in", Technique: "T1110.003",
		Note: "one password for many users of Identity Center: none of it is a ConsoleLogin"})
	for i := range 12 {
		u := p.org.people[i*3%len(p.org.people)]
		flow := string(appendUUID(nil, mix(p.seed, hashText("spray"), uint64(i))))
		d.as(p.org.centerUser(l, u)).do(p.at(3, 4, 0)+int64(i)*40, "sso-verification", vars{"flow": flow, "credential": "PASSWORD", "outcome": "Failure"}, nil)
	}
}

// centerUser is a user of Identity Center as its own events have them: by id alone.
func (o *organisation) centerUser(l *lane, p *person) *actor {
	return &actor{name: p.name, arn: p.email, encrypted: true, head: fmt.Sprintf(`{"type":"IdentityCenterUser","accountId":"%s","onBehalfOf":%s,"credentialId":"%s"}`,
		l.account.id, o.behalf(p), appendHex(nil, mix(o.seed, hashText(p.email), 1), 64))}
}

// stageNewShapes stages what records have had since 2024, beside what every call
// of a kind has.
func (p *plot) stageNewShapes(ordinary bool) {
	prod, dev := p.org.account("prod"), p.org.account("dev")
	l := prod.lane("eu-central-1")
	p.stageAgent(dev.lane("eu-central-1"))

	if !ordinary {
		p.stageHidden(prod, dev)
		p.stageMemberRoot()
	}
	build := l.crews[crewPipelines].actors[0]
	p.lookalike(l, build, build.sources[0], build.agents[0], Label{Name: "large-request", Note: "a template that is large by itself"}).
		do(p.at(4, 9, 20), "create-large-stack", nil, nil)

	security := p.org.account("security").lane("eu-central-1")
	d := p.lookalike(security, p.org.assume(security, "posture-automation", "", "posture-scan", hour), addressIn(gateways["eu-central-1"], p.seed).String(), machineAgents[1],
		Label{Name: "record-corrected", Note: "CloudTrail delivers the event again with more of it"})
	d.do(p.at(3, 6, 0), "list-secrets", nil, nil)
	first := p.scenes[len(p.scenes)-1].call
	d.addendum = fmt.Sprintf(`{"reason":"UPDATED_DATA","updatedFields":"requestParameters","originalRequestID":"%s","originalEventID":"%s"}`, first.requestID(nil), first.eventID(nil))
	d.do(p.at(3, 6, 0), "list-secrets", nil, nil)
}

// stageHidden stages a policy too large for the trail, and a stranger's key at an endpoint.
func (p *plot) stageHidden(prod, dev *account) {
	l := prod.lane("eu-central-1")
	stolen := p.org.user(dev, dev.lane("us-east-1").pools[poolUser][1])
	source := addressIn(rangeHosting, mix(p.seed, hashText("stolen"))).String()
	p.attack(dev.lane("us-east-1"), stolen, source, attackerShell, Label{Name: "padded-policy", Story: "stolen key", Technique: "T1562.008",
		Note: "a policy padded beyond 100 KB, so that the trail does not show it"}).
		do(p.at(5, 3, 31), "put-padded-policy", nil, nil)

	foreign := 100_000_000_000 + within(mix(p.seed, hashText("foreign")), 899_999_999_999)
	foreignUser := identifier("AIDA", foreign, mix(p.seed, hashText("outside")), 21)
	outside := &actor{name: "outside", arn: fmt.Sprint(foreign), shared: true, encrypted: true, head: fmt.Sprintf(`{"type":"AWSAccount","principalId":"%s","accountId":"%d"}`, foreignUser, foreign),
		who: verdict{actor: fmt.Sprint(foreign, "/", foreignUser), kind: "account", certain: true}}
	d := p.attack(l, outside, string(appendPrivateAddress(nil, nil, mix(p.seed, hashText("inside")))), attackerShell, Label{Name: "foreign-credentials-at-endpoint", Story: "data theft", Technique: "T1567.002",
		Note: "an instance tries to write to a stranger's bucket with a stranger's key; the endpoint's policy refuses"})
	for i := range int64(3) {
		d.do(p.at(2, 2, 50)+i*4, "endpoint-put", nil, endpointDenied)
	}

}

// stageMemberRoot stages central root access to a member account.
func (p *plot) stageMemberRoot() {
	prod := p.org.account("prod")
	l := prod.lane("eu-central-1")
	admin := p.org.people[20%len(p.org.people)]
	management := p.org.account("management").lane("us-east-1")
	by := p.org.signOn(management, admin, false)
	d := p.lookalike(management, by, admin.home, admin.cli, Label{Name: "root-session-for-a-member", Expect: Either, Note: "central root access unlocks a bucket: Root by AssumeRoot, not by password"})
	at := p.at(4, 13, 30)
	c := rootCaller(prod).since(at, p.key("ASIA", prod, hashText("member")), false).with(func(s *callerSession) { s.AssumedRoot = "true" })
	d.do(at, "assume-root", vars{"account": prod.id, "key": c.AccessKeyID}, nil)
	d.as(c.plays("root", by.issued("assumed by", d.source, c.session(), "assumed root of "+prod.id))).in(prod.lane("us-east-1")).do(at+20, "unlock-bucket", vars{"bucket": l.pools[poolBucket][5]}, nil)
}

// stageAgent stages a person's agent, which calls AWS through its MCP server.
func (p *plot) stageAgent(l *lane) {
	u := p.org.people[4%len(p.org.people)]
	const server = "aws-mcp.amazonaws.com"
	for before := int64(1); before < 4; before++ {
		person := p.org.signOn(l, u, true)
		d := p.lookalike(l, person, u.home, "mcp-proxy-for-aws/1.1.0", Label{Name: "agent-by-mcp", Note: "each call of a tool leads to a call of a service, with the same request id"})
		at := p.at(before, 11, 3) - u.office.offset
		d.do(at, "create-token", vars{"session": string(l.signInSession(nil, mix(person.id, uint64(person.sessionStart(at)))))}, nil)
		for i, name := range []string{"ec2:DescribeInstances", "ec2:DescribeSecurityGroups"} {
			service := kindOf(name)
			// The call that follows in the scenes has this request id.
			then := call{kind: service, seed: mix(p.seed, uint64(len(p.scenes)+1))}
			d.as(person).do(at+30+int64(i)*20, "call-tool", vars{"api": name, "request": string(then.requestID(nil))}, nil)
			behind := *person
			behind.after, behind.encrypted = `,"invokedBy":"`+server+`"`, false
			behind.who = person.issued("through the AWS MCP server for", u.home, "", person.who.name)
			was, agent := d.source, d.agent
			d.source, d.agent = server, server
			d.as(&behind).do(at+31+int64(i)*20, name, nil, nil)
			d.source, d.agent = was, agent
		}
	}
}

var endpointDenied = mustFault("VpceAccessDenied", "The request was denied due to a VPC endpoint policy", false)
