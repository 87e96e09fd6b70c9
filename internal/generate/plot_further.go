package generate

import "fmt"

// stageFurtherAttacks stages techniques that none of the guide's searches looks for.
func (p *plot) stageFurtherAttacks() {
	prod, dev := p.org.account("prod"), p.org.account("dev")
	l, global := prod.lane("eu-central-1"), dev.lane("us-east-1")
	stolen := p.org.user(dev, global.pools[poolUser][1])
	source := addressIn(rangeHosting, mix(p.seed, hashText("stolen"))).String()

	d := p.attack(global, stolen, source, attackerShell, Label{Name: "access-key-for-another-user", Story: "stolen key", Technique: "T1098.001"})
	victim := p.consoleUsers()[1].name
	d.do(p.at(5, 3, 2), "iam:ListUsers", nil, nil)
	key := p.key("AKIA", dev, hashText("victim"))
	d.do(p.at(5, 3, 4), "create-access-key", vars{"user": victim, "key": key}, nil)
	d.grow("key", key)
	d.do(p.at(5, 3, 5), "attach-user-policy", vars{"user": victim}, deniedAny)

	d = p.attack(global, stolen, source, attackerShell, Label{Name: "trail-stopped", Story: "stolen key", Technique: "T1562.008", Note: "delivered three hours late"})
	d.delay = 36
	d.do(p.at(5, 3, 20), "cloudtrail:DescribeTrails", nil, nil)
	d.do(p.at(5, 3, 21), "stop-logging", nil, nil)

	d = p.attack(l, p.org.user(prod, l.pools[poolUser][2]), source, attackerShell, Label{Name: "snapshot-shared-outside", Story: "stolen key", Technique: "T1537"})
	d.do(p.at(4, 4, 11), "ec2:DescribeSnapshots", nil, nil)
	d.do(p.at(4, 4, 13), "share-snapshot", vars{"user": fmt.Sprint(100_000_000_000 + within(mix(p.seed, 5), 899_999_999_999))}, nil)

	instance := p.org.assume(l, l.pools[poolRole][1], "", l.pools[poolInstance][1], 6*hour)
	instance.tail = `","mfaAuthenticated":"false"},"ec2RoleDelivery":"1.0"}` + l.scope("AWS::EC2::Instance", l.instanceArn(l.pools[poolInstance][1])) + `}`
	d = p.attack(l, instance, source, attackerShell, Label{
		Name: "secrets-in-bulk", Story: "stolen key", Technique: "T1555.006", Note: "an instance's role, from outside of AWS"})
	d.do(p.at(3, 2, 0), "list-secrets", nil, nil)
	for i, secret := range l.pools[poolSecret] {
		d.do(p.at(3, 2, 1)+int64(i)*2, "get-secret", vars{"secret": secret}, nil)
	}

	p.stageRoleChain(prod, dev, source)
}

// stageRoleChain goes from a user over a role in dev to an administrator of prod.
func (p *plot) stageRoleChain(prod, dev *account, source string) {
	start := p.at(2, 21, 15)
	from, to := dev.lane("us-east-1"), prod.lane("us-east-1")
	user := p.org.user(dev, from.pools[poolUser][1])
	d := p.attack(from, user, source, attackerTool, Label{Name: "role-chain", Story: "stolen key", Technique: "T1548.005",
		Note: "user, then ci-support in dev, then break-glass in prod; the session's name stays"})
	for i, h := range []hop{{acc: dev, role: "ci-support", session: "maintenance"}, {acc: prod, role: "break-glass", session: "maintenance"}} {
		at := start + int64(i)*50
		c, kind, v := p.start(at, h)
		d.do(at, kind, v, nil)
		d.grow("key", c.AccessKeyID).as(h.playsFor(&c, d.actor, source))
	}
	d.in(to)
	d.do(start+75, "sts:GetCallerIdentity", nil, nil)
	d.do(start+90, "iam:ListRoles", nil, nil)
	d.do(start+130, "create-user", vars{"user": "svc-maintenance"}, nil)
	d.grow("arn", "arn:aws:iam::"+prod.id+":user/svc-maintenance")
}

// stageLookalikes stages what looks like an attack to a careless search, on
// request also what deserves a look.
func (p *plot) stageLookalikes(doubtful bool) {
	prod, dev := p.org.account("prod"), p.org.account("dev")
	l := prod.lane("eu-central-1")
	p.stageTypos()

	apply := l.crews[crewPipelines].actors[1]
	from := func(name, search, note string) *deed {
		return p.lookalike(l, apply, apply.sources[0], apply.agents[0], Label{Name: name, Search: search, Note: note})
	}
	ssh := "ssh-open-to-the-world"
	inside := from("ssh-from-inside", ssh, "port 22 from the organisation's own range")
	web := from("https-open-to-the-world", ssh, "port 443 is meant to be open")
	private := from("network-acl-private", "network-acl-open", "an entry for the organisation's own range")
	deny := from("network-acl-deny-all", "network-acl-open", "denies everyone")
	logging := from("bucket-acl-log-delivery", "public-bucket-acl", "the grantee is S3's own log delivery")
	small := from("ordinary-instances", "gpu-instances", "instances without GPU")
	for before := int64(1); before < 7; before++ {
		h := mix(p.seed, hashText("lookalike"), uint64(before))
		group := l.pools[poolGroup][within(h, uint64(len(l.pools[poolGroup])))]
		inside.do(p.at(before, 9, 5), "authorize-ingress", vars{"group": group, "port": "22", "cidr": "10.0.0.0/8"}, nil)
		web.do(p.at(before, 9, 6), "authorize-ingress", vars{"group": group, "port": "443", "cidr": "0.0.0.0/0"}, nil)
		private.do(p.at(before, 10, 30), "acl-entry", vars{"protocol": "6", "ports": `"from":1024,"to":65535`, "cidr": "10.20.0.0/16", "rule": "allow", "number": fmt.Sprint(100 + before)}, nil)
		deny.do(p.at(before, 10, 31), "acl-entry", vars{"protocol": "-1", "cidr": "0.0.0.0/0", "rule": "deny", "number": fmt.Sprint(200 + before)}, nil)
		logging.do(p.at(before, 11, 12), "put-bucket-acl", vars{"bucket": l.pools[poolBucket][2], "group": "http://acs.amazonaws.com/groups/s3/LogDelivery", "permission": "WRITE"}, nil)
		small.do(p.at(before, 13, 45), "run-group", vars{"type": "g6.xlarge", "group": group}, nil)
	}

	if doubtful {
		p.stageDoubtful(l, apply)
	}
	owner := p.org.people[18%len(p.org.people)]
	p.lookalike(dev.lane("us-east-1"), p.org.user(dev, owner.name), owner.home, shells[0], Label{Name: "own-access-key", Note: "a user rotates a key of their own"}).
		do(p.at(3, 9, 40), "create-access-key", vars{"user": owner.name, "key": p.key("AKIA", dev, hashText(owner.name))}, nil)
	p.lookalike(l, apply, apply.sources[1], apply.agents[0], Label{Name: "snapshot-shared-inside", Note: "shared with another account of the organisation"}).
		do(p.at(4, 12, 0), "share-snapshot", vars{"user": dev.id}, nil)

	security := p.org.account("security").lane("eu-central-1")
	p.lookalike(security, p.org.assume(security, "posture-automation", "", "posture-scan", hour), addressIn(gateways["eu-central-1"], p.seed).String(), machineAgents[1],
		Label{Name: "findings-suppressed", Note: "routine, and the largest record of the trail"}).do(p.at(2, 6, 0), "update-findings", nil, nil)
}

// stageDoubtful stages what is harmless, as one sees on looking.
func (p *plot) stageDoubtful(l *lane, apply *actor) {
	empty := p.strayGroup("unused")
	old := p.deed(l, apply, apply.sources[0], apply.agents[0], Label{})
	old.do(p.end-7*day-6*hour, "run-group", vars{"type": "t3.medium", "group": empty}, nil)
	p.lookalike(l, apply, apply.sources[0], apply.agents[0], Label{Name: "ssh-open-without-instances", Search: "ssh-open-to-the-world", Expect: Either,
		Note: "open to the world, but the group's last instance was started before the search's seven days"}).
		do(p.at(4, 15, 0), "authorize-ingress", vars{"group": empty, "port": "22", "cidr": "0.0.0.0/0"}, nil)

	refused := p.org.people[16%len(p.org.people)]
	p.lookalike(l, p.org.user(l.account, refused.name), refused.home, shells[0], Label{Name: "public-bucket-refused", Expect: Either, Search: "public-bucket-acl", Note: "the call was refused"}).
		do(p.at(3, 16, 0), "put-bucket-acl", vars{"bucket": l.pools[poolBucket][4], "group": "http://acs.amazonaws.com/groups/global/AllUsers", "permission": "READ"}, publicBlocked)
}

// stageTypos stages failed logins as people have them: once or twice, then right.
func (p *plot) stageTypos() {
	for i, u := range p.consoleUsers()[:4] {
		acc := p.consoleAccount(u)
		d := p.lookalike(acc.lane("us-east-1"), p.org.notSignedIn(acc, u.name), u.home, u.agent, Label{
			Name: "mistyped-password", Search: "failed-logins-by-source", Note: "one or two failures from home, then a success with MFA"})
		at := p.at(int64(1+i), 12, int64(i*7)) - u.office.offset
		for range 1 + i%2 {
			d.do(at, "console-login", vars{"outcome": "Failure", "mfa": "No"}, wrongPassword)
			at += 25
		}
		d.as(p.org.signedIn(acc, u.name)).do(at, "console-login", vars{"outcome": "Success", "mfa": "Yes"}, nil)
	}
}

var publicBlocked = mustFault("AccessDenied", "Access Denied", true)
