package generate

import "fmt"

// stageCloseMisses stages what intruders do, too, done by those whose work it is
// and within the organisation: each is the harmless twin of a staged attack.
func (p *plot) stageCloseMisses() {
	prod, dev := p.org.account("prod"), p.org.account("dev")
	l, global := prod.lane("eu-central-1"), prod.lane("us-east-1")
	apply := func(name, note string, at int64, lane *lane) *deed {
		d := p.lookalike(lane, rootlessActor, addressIn(rangeRunners, mix(p.seed, hashText(name))).String(), pipelineAgents[1], Label{Name: name, Note: note})
		return d.from(at).byToken(lane.account, "terraform-apply", repository(int64(len(name)))).in(lane)
	}
	own := dev.id
	apply("image-shared-inside", "an image for another account of the organization, by the pipeline", p.at(4, 9, 0), l).then(9, "share-image", vars{"stranger": own}, nil)
	apply("role-trusts-own-account", "a role that another account of the organization may assume, by the pipeline", p.at(4, 9, 20), global).then(9, "trust-stranger", vars{"role": l.pools[poolRole][5], "stranger": own}, nil)
	apply("bucket-policy-inside", "a bucket that another account of the organization may read, by the pipeline", p.at(4, 9, 40), l).then(9, "policy-for-stranger", vars{"bucket": l.pools[poolBucket][8], "stranger": own}, nil)
	apply("cluster-access-for-a-team", "the pipeline gives a team's role a view of a cluster", p.at(3, 9, 0), l).
		then(8, "access-entry", vars{"cluster": l.pools[poolCluster][1], "principal": "arn:aws:iam::" + prod.id + ":role/" + l.pools[poolRole][2]}, nil)
	apply("large-containers", "the pipeline defines a large task, with the organization's own image", p.at(3, 9, 30), l).
		then(8, "mining-task", vars{"family": "route-planning", "image": prod.id + ".dkr.ecr." + l.region + ".amazonaws.com/route-planning:4"}, nil).then(3, "ecs:UpdateService", nil, nil)
	apply("provider-for-workflows", "the pipeline sets up the trust in GitHub's tokens", p.at(5, 9, 0), global).then(8, "create-oidc-provider", vars{"host": "token.actions.githubusercontent.com"}, nil)
	apply("objects-expire-by-policy", "logs expire after two years, by the pipeline", p.at(5, 9, 30), l).then(8, "s3:PutBucketLifecycle", nil, nil).then(2, "s3:PutBucketVersioning", nil, nil).then(2, "s3:PutBucketLogging", nil, nil)
	apply("inline-policy-by-pipeline", "the pipeline narrows what roles may do", p.at(5, 10, 0), global).then(8, "iam:CreatePolicyVersion", nil, nil).then(2, "iam:PutRolePolicy", nil, nil).then(2, "iam:AttachRolePolicy", nil, nil)

	// An operator in a cluster keeps secrets up to date, from behind a gateway in AWS.
	operator := p.org.assume(l, "external-secrets-operator", "", "external-secrets", 6*hour)
	gateway := addressIn(gateways[l.region], mix(p.seed, hashText("operator"))).String()
	for before := int64(1); before < 4; before++ {
		d := p.lookalike(l, operator, gateway, machineAgents[2], Label{Name: "secrets-kept-up-to-date", Note: "an operator reads the same secrets every day, from within AWS"}).from(p.at(before, 4, 30))
		for _, secret := range l.pools[poolSecret][:8] {
			d.then(1, "get-secret", vars{"secret": secret}, nil)
		}
	}
	d := p.lookalike(l, p.org.assume(l, "etl-runner", "", "nightly-export", 6*hour), gateway, machineAgents[0], Label{Name: "objects-copied-with-own-key", Note: "a nightly job copies objects with the account's own key"}).from(p.at(2, 1, 20))
	for n := range 12 {
		d.then(2, "encrypt-foreign-key", vars{"bucket": l.pools[poolBucket][9], "key": fmt.Sprintf("warehouse/part-%03d.parquet", n), "stranger": prod.id, "kms": l.pools[poolKey][1]}, nil)
	}
	d = p.lookalike(l, p.org.assume(l, l.pools[poolRole][6], "", string(appendHex(nil, mix(p.seed, hashText("task")), 32)), 6*hour), gateway, machineAgents[0], Label{Name: "parameters-at-start", Note: "a task reads its own encrypted parameters when it starts"}).from(p.at(3, 10, 5))
	for _, name := range []string{"database", "queue", "cache", "mail"} {
		d.then(1, "parameter", vars{"path": "booking/prod/" + name}, nil)
	}
	d.then(1, "parameters-by-path", vars{"path": "booking/prod"}, nil)
	p.stagePods(global, gateway)
	p.stageOwnCredentials(dev)

	patches := p.org.assume(l, "patch-window", "", "maintenance", hour)
	d = p.lookalike(l, patches, "ssm.amazonaws.com", "ssm.amazonaws.com", Label{Name: "patches-on-instances", Note: "a maintenance window of Systems Manager runs on all instances"}).from(p.at(3, 1, 0))
	patched := *patches
	patched.tail, patched.encrypted = `","mfaAuthenticated":"false"}},"invokedBy":"ssm.amazonaws.com"}`, false
	patched.who = verdict{}
	d.as(&patched)
	for n := range 12 {
		d.then(3, "send-command", vars{"instance": l.pools[poolInstance][n]}, nil)
	}
	scanner := p.org.assume(l, scannerRole, "", "ProwlerAssessmentSession", hour)
	d = p.lookalike(l, scanner, addressIn(gateways["eu-central-1"], mix(p.org.seed, hashText("scanner"))).String(), scannerAgent, Label{Name: "scanner-reads-user-data", Note: "the posture scanner looks for secrets in start scripts"}).from(p.at(2, 2, 10))
	for n := range 12 {
		d.then(2, "read-user-data", vars{"instance": l.pools[poolInstance][n]}, nil)
	}
	app := p.org.assume(l, l.pools[poolRole][4], "", l.pools[poolFunction][4], 6*hour)
	d = p.lookalike(l, app, gateway, machineAgents[1], Label{Name: "models-by-an-application", Note: "an application asks a model, as it does all day"}).from(p.at(2, 10, 0))
	for range 8 {
		d.then(11, "bedrock:InvokeModel", nil, nil)
	}
	on := p.org.people[26%len(p.org.people)]
	d = p.lookalike(dev.lane("eu-central-1"), p.org.signOn(dev.lane("eu-central-1"), on, false), on.home, on.cli, Label{Name: "engineer-on-an-instance", Note: "an engineer opens one session on one instance, at work"})
	d.from(p.at(2, 10, 30)-on.office.offset).then(0, "ec2:DescribeInstances", nil, nil).then(30, "start-session", vars{"instance": dev.lane("eu-central-1").pools[poolInstance][0]}, nil)
	d = p.lookalike(dev.lane("us-east-1"), p.org.signOn(dev.lane("us-east-1"), on, false), on.home, on.cli, Label{Name: "engineer-looks-around", Note: "an engineer without every right: a few calls are denied"})
	d.from(p.at(2, 11, 0) - on.office.offset)
	for n, kind := range []string{"s3:ListBuckets", "iam:ListRoles", "cloudtrail:DescribeTrails", "organizations:DescribeOrganization"} {
		var failure *fault
		if n > 1 {
			failure = deniedAny
		}
		d.then(25, kind, nil, failure)
	}
	security := p.org.account("security").lane("us-east-1")
	d = p.lookalike(security, p.org.assume(security, "posture-automation", "", "posture-scan", hour), addressIn(gateways["us-east-1"], p.seed).String(), machineAgents[1],
		Label{Name: "quotas-watched", Note: "automation watches quotas and mail limits"}).from(p.at(2, 6, 30))
	d.then(0, "quota", nil, nil).then(2, "servicequotas:ListServiceQuotas", nil, nil).then(3, "ses:GetSendQuota", nil, nil)
}

// stagePods stages pods of a cluster, which change their tokens for a role's
// credentials every hour, from behind a gateway in AWS.
func (p *plot) stagePods(l *lane, gateway string) {
	acc := l.account
	issuer := "arn:aws:iam::" + acc.id + ":oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/" + string(appendHex(nil, mix(p.seed, hashText("cluster")), 32))
	for _, pod := range []string{"booking:api", "kube-system:aws-load-balancer-controller"} {
		subject := "system:serviceaccount:" + pod
		token := caller{Type: "WebIdentityUser", PrincipalID: issuer + ":sts.amazonaws.com:" + subject, UserName: subject, Provider: issuer}
		d := p.lookalike(l, token.plays(subject, verdict{}), gateway, machineAgents[2], Label{Name: "pod-tokens", Note: "pods change their tokens for credentials of a role, from within AWS"}).from(p.at(2, 8, 0))
		for range 3 {
			d.then(hour, "assume-role-web-identity", vars{"account": acc.id, "role": "irsa-booking", "session": "botocore-session", "id": acc.roleID(p.org.seed, "irsa-booking"), "key": p.nextKey(acc), "provider": issuer, "subject": subject}, nil)
		}
	}
}

// stageOwnCredentials stages users who look after their own password and second factor.
func (p *plot) stageOwnCredentials(acc *account) {
	l := acc.lane("us-east-1")
	u := p.org.people[28%len(p.org.people)]
	start := p.at(4, 10, 0) - u.office.offset
	d := p.lookalike(l, p.org.consoleUser(acc, u.name, start, true), u.home, u.agent, Label{Name: "own-factor-set-up", Note: "a user sets a new password and registers a second factor"})
	d.from(start).then(30, "change-password", nil, nil).then(60, "create-mfa", vars{"user": u.name}, nil).then(40, "enable-mfa", vars{"user": u.name}, nil)
}
