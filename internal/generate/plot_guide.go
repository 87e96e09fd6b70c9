package generate

import "fmt"

const attackerShell = "aws-cli/2.22.4 md/awscrt#0.22.0 ua/2.0 os/linux#6.6.9-amd64 md/arch#x86_64 lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard md/installer#source md/distrib#kali.2024 md/prompt#off"

// stageGuideAttacks stages what the guide's six searches look for.
func (p *plot) stageGuideAttacks() {
	p.stageBruteForce()
	p.stageLoginsWithoutMFA()
	p.stageMining()
	p.stageOpenNetwork()
	p.stagePublicBucket()
}

func (p *plot) stageBruteForce() {
	victim := p.consoleUsers()[2]
	acc := p.consoleAccount(victim)
	source := addressIn(rangeRussia, mix(p.seed, hashText("brute"))).String()
	p.threats = append(p.threats, threat{source, "RU", "brute-force"})
	d := p.attack(acc.lane("us-east-1"), p.org.signedIn(acc, victim.name), source, browsers[1], Label{
		Name: "console-brute-force", Story: "sign-in", Technique: "T1110.001", Search: "failed-logins-by-source",
		Note: "46 failed logins from a listed address, then a success without MFA"})
	start := p.at(4, 1, 12)
	failed := vars{"outcome": "Failure", "mfa": "No"}
	for i := range int64(46) {
		at := start + i*24 + int64(within(mix(p.seed, 77, uint64(i)), 20))
		if i < 6 {
			d.as(unknownUser(acc)).do(at, "console-login", failed, wrongName)
		} else {
			d.as(p.org.notSignedIn(acc, victim.name)).do(at, "console-login", failed, wrongPassword)
		}
	}
	login := start + 46*24 + 41
	d.as(p.org.signedIn(acc, victim.name)).do(login, "console-login", vars{"outcome": "Success", "mfa": "No"}, nil)
	d.as(p.org.consoleUser(acc, victim.name, login, false))
	for i, kind := range []string{"iam:ListUsers", "iam:GetAccountSummary", "iam:ListRoles", "s3:ListBuckets", "cloudtrail:DescribeTrails"} {
		d.do(login+20+int64(i)*17, kind, nil, nil)
	}
	d.do(login+140, "create-user", vars{"user": "backup-sync"}, deniedAny)
}

func (p *plot) stageLoginsWithoutMFA() {
	plain := p.consoleUsers()[5]
	acc := p.consoleAccount(plain)
	success := vars{"outcome": "Success", "mfa": "No"}
	d := p.attack(acc.lane("us-east-1"), p.org.signedIn(acc, plain.name), addressIn(rangeNetherlands, mix(p.seed, hashText("Netherlands"))).String(), browsers[2], Label{
		Name: "console-login-without-mfa", Story: "sign-in", Technique: "T1078.004", Search: "console-login-without-mfa", Note: "an IAM user's password alone sufficed"})
	d.do(p.at(3, 20, 51), "console-login", success, nil)
	d.as(p.org.consoleUser(acc, plain.name, p.at(3, 20, 51), false)).do(p.at(3, 20, 53), "iam:ListAccessKeys", nil, nil)

	traveller := p.consoleUsers()[1]
	acc = p.consoleAccount(traveller)
	d = p.attack(acc.lane("us-east-1"), p.org.signedIn(acc, traveller.name), addressIn(rangeVietnam, mix(p.seed, hashText("Vietnam"))).String(), browsers[1], Label{
		Name: "login-from-new-country", Story: "sign-in", Technique: "T1078.004", Search: "console-login-without-mfa",
		Note: "the user otherwise signs in from home with MFA; this is Vietnam, an hour after a login at home could have been"})
	d.do(p.at(2, 3, 7), "console-login", success, nil)
	d.as(p.org.consoleUser(acc, traveller.name, p.at(2, 3, 7), false))
	d.do(p.at(2, 3, 9), "ec2:DescribeInstances", nil, nil)
	d.do(p.at(2, 3, 11), "s3:ListBuckets", nil, nil)
}

func (p *plot) stageMining() {
	acc := p.org.account("dev")
	l := acc.lane("eu-central-1")
	d := p.attack(l, p.org.user(acc, l.pools[poolUser][0]), addressIn(rangeUkraine, mix(p.seed, hashText("Ukraine"))).String(), attackerShell, Label{
		Name: "gpu-mining", Story: "abuse of resources", Technique: "T1496.001", Search: "gpu-instances", Note: "a stolen access key tries the limits, then starts GPU instances in two regions"})
	start := p.at(2, 23, 14)
	d.do(start, "sts:GetCallerIdentity", nil, nil)
	for i, size := range []string{"p3dn.24xlarge", "p3.16xlarge", "p3.16xlarge", "g3.16xlarge", "p2.16xlarge"} {
		d.do(start+40+int64(i)*7, "run-many", vars{"type": size, "count": "8", "group": l.pools[poolGroup][0]}, tooManyCPUs)
	}
	for i, size := range []string{"p3.16xlarge", "p3.8xlarge"} {
		d.do(start+95+int64(i)*31, "run-many", vars{"type": size, "count": "4", "group": l.pools[poolGroup][0]}, nil)
	}
	l = acc.lane("us-east-1")
	d.in(l).do(start+240, "run-many", vars{"type": "p3.2xlarge", "count": "2", "group": l.pools[poolGroup][1]}, nil)
}

// strayGroup is a security group that no noise ever names.
func (p *plot) strayGroup(name string) string {
	return string(appendHex([]byte("sg-"), mix(p.seed, hashText(name)), 17))
}

func (p *plot) stageOpenNetwork() {
	acc := p.org.account("prod")
	l := acc.lane("eu-central-1")
	group := p.strayGroup("exposed")
	deployer := l.crews[crewPipelines].actors[0]
	launch := p.deed(l, deployer, deployer.sources[0], deployer.agents[0], Label{})
	launch.do(p.at(6, 10, 22), "run-group", vars{"type": "m6i.large", "group": group}, nil)
	launch.do(p.at(5, 14, 3), "run-group", vars{"type": "m6i.large", "group": group}, nil)

	insider := p.org.people[12%len(p.org.people)]
	who := p.org.user(acc, insider.name)
	d := p.attack(l, who, insider.home, shells[1], Label{Name: "ssh-open-to-the-world", Story: "doors left open", Technique: "T1562.007", Search: "ssh-open-to-the-world",
		Note: "the group belongs to two instances started in the last seven days"})
	d.do(p.at(3, 22, 40), "authorize-ingress", vars{"group": group, "port": "22", "cidr": "0.0.0.0/0"}, nil)

	d = p.attack(l, who, insider.home, shells[1], Label{Name: "network-acl-open", Story: "doors left open", Technique: "T1562.007", Search: "network-acl-open"})
	d.do(p.at(3, 22, 44), "acl-entry", vars{"protocol": "-1", "cidr": "0.0.0.0/0", "rule": "allow", "number": "90"}, nil)
}

func (p *plot) stagePublicBucket() {
	acc := p.org.account("prod")
	l := acc.lane("eu-central-1")
	bucket := l.pools[poolBucket][3]
	u := p.org.people[14%len(p.org.people)]
	d := p.attack(l, p.org.user(acc, u.name), addressIn(rangeNigeria, mix(p.seed, hashText("Nigeria"))).String(), attackerShell, Label{
		Name: "public-bucket", Story: "data theft", Technique: "T1530", Search: "public-bucket-acl", Note: "the bucket is opened to all, then read without credentials"})
	d.do(p.at(2, 2, 30), "put-bucket-acl", vars{"bucket": bucket, "group": "http://acs.amazonaws.com/groups/global/AllUsers", "permission": "READ"}, nil)
	d.as(&actor{name: "anonymous", arn: "anonymous", encrypted: true, head: `{"type":"AWSAccount","principalId":"","accountId":"ANONYMOUS_PRINCIPAL"}`,
		who: verdict{actor: "anonymous", kind: "anonymous", certain: true}})
	for i := range int64(12) {
		d.do(p.at(2, 2, 33)+i*3, "get-object", vars{"bucket": bucket, "key": fmt.Sprintf("exports/customers-%02d.csv.gz", i+1)}, nil)
	}
}
