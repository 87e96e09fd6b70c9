package generate

import "fmt"

// stageRoutines stages what an organisation does on its days, at most limit
// events of it, the last days first: deployments, nightly jobs, people who join,
// travel and change their keys. Rules must be quiet about it.
func (p *plot) stageRoutines(limit int) {
	start := len(p.scenes)
	for before := int64(1); p.at(before, 0, 0) > p.first; before++ {
		for i, routine := range []func(before int64){
			p.deployment, p.scaleOut, p.onboarding, p.training, p.lifecycleJob, p.keyRotation, p.travel, p.companyTunnel, p.rootByService, p.teardown,
		} {
			if len(p.scenes)-start+longestRoutine > limit && (before > 1 || i > 4) {
				return
			}
			routine(before)
		}
	}
}

// longestRoutine is how many events the longest routine has.
const longestRoutine = 20

// workday says whether the day so many days before the last is one.
func (p *plot) workday(before int64) bool { return weekday(p.at(before, 12, 0)) < 5 }

// repository is one of the organisation's, as GitHub's token names it.
func repository(n int64) string {
	return "repo:northwind-ferries/" + products[n%int64(len(products))] + ":ref:refs/heads/main"
}

// byToken assumes a role with GitHub's token of a workflow, and goes on as the role.
func (d *deed) byToken(acc *account, role, subject string) *deed {
	p := d.plot
	issuer := "arn:aws:iam::" + acc.id + ":oidc-provider/token.actions.githubusercontent.com"
	token := caller{Type: "WebIdentityUser", PrincipalID: issuer + ":sts.amazonaws.com:" + subject, UserName: subject, Provider: issuer}
	d.as(token.plays(subject, verdict{actor: subject, kind: "oidc-user", session: window(token.PrincipalID, d.clock), name: subject, certain: true}))
	d.Actor = d.actor.arn
	c := p.org.roleCaller(acc, role, "", "GitHubActions").since(d.clock, p.key("ASIA", acc, hashText(role), uint64(len(p.scenes))), false)
	d.in(acc.lane("us-east-1")).then(0, "assume-role-web-identity", vars{"account": acc.id, "role": role, "session": "GitHubActions", "id": acc.roleID(p.org.seed, role), "key": c.AccessKeyID, "provider": issuer, "subject": subject}, nil)
	d.grow("key", c.AccessKeyID)
	return d.as(c.plays(role, d.actor.issued("assumed by", d.source, c.session(), "role "+role+", session GitHubActions")))
}

// deployment is Terraform in a workflow: its role is assumed with GitHub's token,
// then infrastructure of a service is made, with a door for the world's browsers.
func (p *plot) deployment(before int64) {
	if !p.workday(before) {
		return
	}
	for run := range int64(2) {
		acc := p.org.accounts[1+(before+run)%2]
		l := acc.lane("eu-central-1")
		h := mix(p.seed, hashText("deployment"), uint64(before), uint64(run))
		d := p.lookalike(l, rootlessActor, addressIn(rangeRunners, h).String(), pipelineAgents[1], Label{Name: "terraform-deployment", Note: "a workflow's role makes roles, groups, buckets, keys and instances"})
		d.from(p.at(before, 8+run*5, int64(within(h, 50)))).byToken(acc, "terraform-apply", repository(before*2+run))
		group := string(appendHex([]byte("sg-"), h, 17))
		d.then(4, "sts:GetCallerIdentity", nil, nil).then(9, "iam:CreateRole", nil, nil).then(1, "iam:CreatePolicy", nil, nil).then(1, "iam:AttachRolePolicy", nil, nil).then(1, "iam:PutRolePolicy", nil, nil)
		d.in(l).then(2, "ec2:CreateSecurityGroup", nil, nil).then(2, "authorize-ingress", vars{"group": group, "port": "443", "cidr": "0.0.0.0/0"}, nil)
		d.then(1, "authorize-ingress", vars{"group": group, "port": "5432", "cidr": "10.0.0.0/8"}, nil)
		d.then(2, "kms:CreateKey", nil, nil).then(1, "kms:PutKeyPolicy", nil, nil).then(3, "s3:CreateBucket", nil, nil).then(1, "s3:PutBucketPublicAccessBlock", nil, nil).then(1, "s3:PutBucketPolicy", nil, nil)
		d.then(2, "run-group", vars{"group": group, "type": "m6i.large"}, nil).then(5, "autoscaling:CreateAutoScalingGroup", nil, nil).then(4, "lambda:UpdateFunctionCode20150331v2", nil, nil)
	}
}

// rootlessActor stands for a caller that the first call of a deed tells.
var rootlessActor = &actor{}

// scaleOut is Auto Scaling at work: many instances at once, by a service.
func (p *plot) scaleOut(before int64) {
	l := p.org.account("prod").lane("eu-central-1")
	const service = "autoscaling.amazonaws.com"
	a := p.serviceActor(l, service)
	p.lookalike(l, a, service, service, Label{Name: "scale-out", Note: "Auto Scaling starts twelve instances in the morning"}).from(p.at(before, 6, 2)).
		then(0, "run-many", vars{"type": "m6i.xlarge", "count": "12", "group": l.pools[poolGroup][2]}, nil).then(900, "ec2:TerminateInstances", nil, nil)
}

// serviceActor is the service's actor of the lane.
func (p *plot) serviceActor(l *lane, service string) *actor {
	for _, a := range l.crews[crewServices].actors {
		if a.sources[0] == service && !a.shared {
			return a
		}
	}
	panic("generate: no actor of " + service)
}

// administrator is a person who administers accounts by single sign-on.
func (p *plot) administrator() *person {
	for _, u := range p.org.people {
		if u.set == "AdministratorAccess" {
			return u
		}
	}
	return p.org.people[0]
}

// onboarding is an administrator who makes a user, with what the user needs.
func (p *plot) onboarding(before int64) {
	if before%3 != 1 || !p.workday(before) {
		return
	}
	dev, u := p.org.account("dev"), p.administrator()
	l := dev.lane("us-east-1")
	name := p.org.people[20+before%10].first + ".trainee"
	p.lookalike(l, p.org.signOn(l, u, true), u.home, u.agent, Label{Name: "onboarding", Expect: Either, Note: "an administrator makes a user, adds it to a group and gives it a password to change"}).
		from(p.at(before, 10, 12)-u.office.offset).then(0, "iam:ListUsers", nil, nil).then(40, "create-user", vars{"user": name}, nil).then(15, "add-to-group", vars{"user": name, "group": "developers"}, nil).
		then(20, "create-login-profile", vars{"user": name}, nil)
}

// training is a data scientist who starts an instance with a GPU each working
// day, under a role that is meant for it.
func (p *plot) training(before int64) {
	if !p.workday(before) {
		return
	}
	dev := p.org.account("dev")
	l, u := dev.lane("eu-central-1"), p.org.people[9]
	a := p.org.assume(l, "ml-training", "", u.email, 4*hour)
	p.lookalike(l, a, u.office.egress.String(), shells[2], Label{Name: "gpu-for-training", Expect: Either, Note: "the role for training starts one GPU instance each morning"}).
		from(p.at(before, 9, 20)-u.office.offset).then(0, "sts:GetCallerIdentity", nil, nil).then(30, "run-group", vars{"type": "g5.xlarge", "group": l.pools[poolGroup][1]}, nil).then(3*hour, "ec2:TerminateInstances", nil, nil)
}

// lifecycleJob deletes the snapshots that have come of age.
func (p *plot) lifecycleJob(before int64) {
	l := p.org.account("prod").lane("eu-central-1")
	const service = "dlm.amazonaws.com"
	d := p.lookalike(l, p.serviceActor(l, service), service, service, Label{Name: "snapshots-expire", Note: "a lifecycle policy deletes old snapshots every night"}).from(p.at(before, 3, 0))
	for range 12 {
		d.then(2, "ec2:DeleteSnapshot", nil, nil)
	}
}

// keyRotation is a user who changes keys, and an administrator who changes those of a service's user.
func (p *plot) keyRotation(before int64) {
	if !p.workday(before) {
		return
	}
	dev := p.org.account("dev")
	l := dev.lane("us-east-1")
	if before%2 == 0 {
		u := p.org.people[22+before%8]
		p.lookalike(l, p.org.user(dev, u.name), u.home, u.cli, Label{Name: "own-key-rotated", Note: "a user makes a new key, then switches the old one off and deletes it"}).
			from(p.at(before, 13, 5)-u.office.offset).then(0, "create-access-key", vars{"user": u.name, "key": p.key("AKIA", dev, hashText(u.name), uint64(before))}, nil).
			then(300, "update-access-key", vars{"user": u.name, "key": p.key("AKIA", dev, hashText(u.name)), "status": "Inactive"}, nil).
			then(400, "delete-access-key", vars{"user": u.name, "key": p.key("AKIA", dev, hashText(u.name))}, nil)
		return
	}
	u, name := p.administrator(), l.pools[poolUser][int(before)%len(l.pools[poolUser])]
	p.lookalike(l, p.org.signOn(l, u, false), u.home, u.cli, Label{Name: "service-key-rotated", Expect: Either, Note: "an administrator changes the key of a service's user"}).
		from(p.at(before, 14, 30)-u.office.offset).then(0, "create-access-key", vars{"user": name, "key": p.key("AKIA", dev, hashText(name), uint64(before))}, nil).
		then(600, "update-access-key", vars{"user": name, "key": p.key("AKIA", dev, hashText(name)), "status": "Inactive"}, nil)
}

// travel is a person who signs in from a country never seen before, by single sign-on.
func (p *plot) travel(before int64) {
	if before%4 != 2 {
		return
	}
	u := p.org.people[(13+int(before))%len(p.org.people)]
	l := p.org.workplaces(u)[0].lane("us-east-1")
	from := rangeJapan
	if before%8 == 2 {
		from = rangeSpain
	}
	a := p.org.signOn(l, u, true)
	d := p.lookalike(l, a, addressIn(from, mix(p.seed, hashText("travel"), uint64(before))).String(), u.agent, Label{Name: "travel", Expect: Either, Note: "a person works from abroad for a day"})
	d.from(a.sessionStart(p.at(before, 12, 0))).then(0, "console-login", vars{"outcome": "Success", "mfa": "No"}, nil)
	for _, kind := range []string{"ec2:DescribeInstances", "s3:ListBuckets", "monitoring:DescribeAlarms"} {
		d.then(70, kind, nil, nil)
	}
}

// companyTunnel is a person whose calls leave through the company's VPN, in AWS.
func (p *plot) companyTunnel(before int64) {
	u := p.org.people[(3+int(before)*5)%len(p.org.people)]
	l := p.org.workplaces(u)[0].lane("us-east-1")
	d := p.lookalike(l, p.org.signOn(l, u, false), addressIn(gateways["eu-central-1"], mix(p.seed, hashText("tunnel"))).String(), u.cli, Label{Name: "company-vpn", Note: "a person behind the company's own VPN, which stands in AWS"})
	d.from(p.at(before, 15, 10)-u.office.offset).then(0, "sts:GetCallerIdentity", nil, nil).then(20, "s3:ListBuckets", nil, nil).then(45, "logs:DescribeLogGroups", nil, nil)
}

// rootByService is what a service does in the name of root.
func (p *plot) rootByService(before int64) {
	if before%3 != 0 {
		return
	}
	acc := p.org.account("prod")
	const service = "trustedadvisor.amazonaws.com"
	c := rootCaller(acc)
	c.InvokedBy = service
	a := c.plays("root", serviceVerdict(service))
	p.lookalike(acc.lane("us-east-1"), a, service, service, Label{Name: "root-by-a-service", Note: "a service of AWS acts in the name of root"}).
		from(p.at(before, 7, 15)).then(0, "iam:GetAccountSummary", nil, nil).then(3, "s3:ListBuckets", nil, nil)
}

// teardown is a pipeline that removes an environment: it deletes what an attacker would.
func (p *plot) teardown(before int64) {
	if before%4 != 1 || !p.workday(before) {
		return
	}
	acc := p.org.account("dev")
	l := acc.lane("eu-central-1")
	h := mix(p.seed, hashText("teardown"), uint64(before))
	d := p.lookalike(l, rootlessActor, addressIn(rangeRunners, h).String(), pipelineAgents[1], Label{Name: "terraform-destroy", Note: "a workflow's role removes an environment that it made"})
	d.from(p.at(before, 18, 40)).byToken(acc, "terraform-apply", repository(7))
	d.then(3, "iam:DetachRolePolicy", nil, nil).then(1, "iam:DeleteRole", nil, nil).in(l)
	for range 4 {
		d.then(2, "ec2:TerminateInstances", nil, nil)
	}
	d.then(3, "logs:DeleteLogGroup", nil, nil).then(1, "rds:DeleteDBSnapshot", nil, nil).then(1, "schedule-key-deletion", vars{"key": fmt.Sprint(string(appendUUID(nil, h))), "days": "30"}, nil)
}
