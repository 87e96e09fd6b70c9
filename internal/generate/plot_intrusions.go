package generate

import "fmt"

// intrusion is one intruder at work in an account: the steps are labels of their own.
type intrusion struct {
	*plot
	story  string
	lane   *lane
	actor  *actor
	source string
	agent  string
}

// Agents of intruders' tools. What they say of themselves is theirs to choose.
const (
	attackerScript = "Boto3/1.34.11 md/Botocore#1.34.11 ua/2.0 os/linux#6.8.0-45-generic md/arch#x86_64 lang/python#3.11.6 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.11"
	attackerTool   = "aws-cli/2.17.44 md/awscrt#0.21.2 ua/2.0 os/linux#6.1.0-25-amd64 md/arch#x86_64 lang/python#3.11.9 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/distrib#debian.12 md/prompt#off"
	attackerScan   = "python-requests/2.31.0"
)

// step begins a step of the intrusion at a time.
func (i *intrusion) step(at int64, name, technique, note string) *deed {
	return i.attack(i.lane, i.actor, i.source, i.agent, Label{Name: name, Technique: technique, Note: note, Story: i.story}).from(at)
}

// stranger is the account of someone outside.
func (p *plot) stranger() string {
	return fmt.Sprint(100_000_000_000 + within(mix(p.seed, hashText("stranger")), 899_999_999_999))
}

// stolenKey is an intrusion with the key of a service's user.
func (p *plot) stolenKey(story string, l *lane, user int, source, agent string) *intrusion {
	return &intrusion{plot: p, story: story, lane: l, actor: p.org.user(l.account, l.pools[poolUser][user]), source: source, agent: agent}
}

// stageIntrusions stages what the guide's searches do not look for.
func (p *plot) stageIntrusions() {
	prod, dev := p.org.account("prod"), p.org.account("dev")
	from := func(name string) uint64 { return mix(p.seed, hashText(name)) }
	p.stageRansom(p.stolenKey("ransom", prod.lane("eu-central-1"), 3, addressIn(rangeTor, from("ransom")).String(), attackerScript))
	p.stageTheft(p.stolenKey("data theft", prod.lane("eu-central-1"), 4, addressIn(rangeOcean, from("theft")).String(), attackerTool))
	p.stageHosts(p.stolenKey("way onto the hosts", prod.lane("eu-central-1"), 5, addressIn(rangeTunnel, from("hosts")).String(), attackerTool))
	p.stageBlinding(p.stolenKey("blinding", prod.lane("us-east-1"), 7, addressIn(rangeOcean, from("blinding")).String(), attackerTool))
	p.stageFoothold(p.stolenKey("foothold", dev.lane("us-east-1"), 3, addressIn(rangeTunnel, from("foothold")).String(), attackerTool))
	p.stageAbuse(p.stolenKey("abuse of resources", dev.lane("us-east-1"), 4, addressIn(rangeOcean, from("abuse")).String(), attackerScript))
	p.stageModels(p.stolenKey("abuse of models", dev.lane("us-east-1"), 5, addressIn(rangeTor, from("models")).String(), attackerScript))
	p.stageTrickery()
}

// stageRansom stages a discovery, and the destruction of what would undo a ransom.
func (p *plot) stageRansom(i *intrusion) {
	l, start := i.lane, p.at(3, 0, 40)
	d := i.step(start, "account-discovery", "T1580", "thirty-five different questions in two minutes, a third of them denied")
	d.then(0, "sts:GetCallerIdentity", nil, nil)
	for n, kind := range []string{"s3:ListBuckets", "ec2:DescribeInstances", "rds:DescribeDBInstances", "lambda:ListFunctions20150331", "secretsmanager:ListSecrets", "kms:ListKeys", "dynamodb:ListTables", "ecs:ListClusters", "eks:ListClusters",
		"backup:ListBackupVaults", "cloudtrail:DescribeTrails", "guardduty:ListDetectors", "ec2:DescribeSnapshots", "rds:DescribeDBSnapshots", "sns:ListTopics", "sqs:ListQueues", "ecr:DescribeRepositories",
		"iam:ListUsers", "iam:ListRoles", "iam:ListPolicies", "iam:GetAccountPasswordPolicy", "iam:GetAccountSummary", "logs:DescribeLogGroups", "ssm:DescribeInstanceInformation", "ec2:DescribeVpcs", "ec2:DescribeSecurityGroups", "athena:ListWorkGroups", "glue:GetConnections", "redshift:DescribeClusters",
		"elasticfilesystem:DescribeFileSystems", "elasticache:DescribeCacheClusters", "states:ListStateMachines", "acm:ListCertificates", "apigateway:GetRestApis"} {
		var failure *fault
		if n%3 == 1 {
			failure = deniedAny
		}
		d.in(l)
		if kindOf(kind).global {
			d.in(l.account.lane("us-east-1"))
		}
		d.then(3, kind, nil, failure)
	}
	bucket := l.pools[poolBucket][4]
	key := func(n int) string { return fmt.Sprintf("invoices/2026/%03d.pdf", n) }
	d = i.step(start+900, "bucket-safety-stripped", "T1490", "versions, logs, replication and the block of public access go, and all objects expire within a day")
	for _, kind := range []string{"suspend-versions", "stop-bucket-log", "stop-replication", "unblock-public", "expire-objects"} {
		d.then(15, kind, vars{"bucket": bucket}, nil)
	}
	d = i.step(start+1200, "objects-encrypted-with-customer-key", "T1486", "objects are copied over themselves with a key that AWS does not keep, and a note is left")
	for n := range 14 {
		d.then(2, "encrypt-own-key", vars{"bucket": bucket, "key": key(n)}, nil)
	}
	d.then(5, "put-note", vars{"bucket": bucket, "key": "HOW_TO_RESTORE_YOUR_FILES.txt"}, nil)
	d = i.step(start+1500, "objects-encrypted-with-foreign-key", "T1486", "objects are copied over themselves with a key of another account")
	for n := range 12 {
		d.then(2, "encrypt-foreign-key", vars{"bucket": l.pools[poolBucket][5], "key": key(n), "stranger": p.stranger(), "kms": string(appendUUID(nil, hashText("kms")))}, nil)
	}
	d = i.step(start+1800, "backups-destroyed", "T1490", "recovery points, snapshots and images are deleted")
	for range 6 {
		d.then(3, "delete-recovery-point", nil, nil)
	}
	for range 6 {
		d.then(2, "ec2:DeleteSnapshot", nil, nil)
	}
	d.then(4, "rds:DeleteDBSnapshot", nil, nil).then(3, "rds:DeleteDBSnapshot", nil, nil).then(4, "ec2:DeregisterImage", nil, nil).then(9, "delete-vault", nil, nil)
	d = i.step(start+2100, "keys-scheduled-for-deletion", "T1485", "keys are switched off and will be deleted in a week")
	for n := range 3 {
		id := l.pools[poolKey][n]
		d.then(6, "disable-key", vars{"key": id}, nil).then(2, "schedule-key-deletion", vars{"key": id, "days": "7"}, nil)
	}
}

// stageTheft stages data on its way out.
func (p *plot) stageTheft(i *intrusion) {
	l, start, stranger := i.lane, p.at(4, 2, 5), p.stranger()
	i.step(start, "image-shared-outside", "T1537", "an image may be launched by a stranger's account").then(0, "ec2:DescribeImages", nil, nil).then(20, "share-image", vars{"stranger": stranger}, nil)
	i.step(start+300, "database-snapshot-public", "T1537", "a snapshot of a database may be restored by everyone").then(0, "rds:DescribeDBSnapshots", nil, nil).then(15, "rds:CreateDBSnapshot", nil, nil).then(240, "share-database", vars{"snapshot": "payments-final"}, nil)
	i.step(start+800, "bucket-policy-for-a-stranger", "T1537", "a bucket may be read by a stranger's account").then(0, "s3:GetBucketPolicy", nil, nil).then(9, "policy-for-stranger", vars{"bucket": l.pools[poolBucket][6], "stranger": stranger}, nil)
	i.step(start+1100, "replication-to-a-stranger", "T1537", "new objects are copied to a stranger's bucket").then(0, "replicate-out", vars{"bucket": l.pools[poolBucket][7], "stranger": stranger, "target": "sync-" + stranger}, nil)
	i.step(start+1400, "function-opened", "T1648", "a function answers everyone, with code of the intruder").then(0, "lambda:ListFunctions20150331", nil, nil).
		then(30, "overwrite-code", vars{"function": l.pools[poolFunction][2]}, nil).then(11, "function-url", vars{"function": l.pools[poolFunction][2]}, nil).then(2, "open-function", vars{"function": l.pools[poolFunction][2]}, nil)
	d := i.step(start+1900, "parameters-in-bulk", "T1552", "encrypted parameters of every service are read")
	d.then(0, "ssm:DescribeParameters", nil, nil)
	for _, product := range products {
		d.then(2, "parameter", vars{"path": product + "/" + l.account.name}, nil)
	}
	d.then(5, "parameters-by-path", vars{"path": "prod"}, nil)
	d = i.step(start+2300, "secrets-in-batches", "T1555.006", "all secrets, twenty with each call")
	for range 5 {
		d.then(1, "batch-secrets", nil, nil)
	}
}

// stageHosts stages ways onto instances and out of them.
func (p *plot) stageHosts(i *intrusion) {
	l, start := i.lane, p.at(5, 22, 10)
	instance := func(n int) vars { return vars{"instance": l.pools[poolInstance][n]} }
	d := i.step(start, "user-data-read", "T1552.005", "the start scripts of many instances are read, which may hold secrets")
	for n := range 16 {
		d.then(2, "read-user-data", instance(n), nil)
	}
	d = i.step(start+300, "windows-passwords-read", "T1552", "the first passwords of many instances are asked for")
	for n := range 14 {
		d.then(2, "read-password", instance(n), nil)
	}
	i.step(start+700, "user-data-rewritten", "T1578.005", "an instance is stopped, given another start script, and started").
		then(0, "stop-instance", instance(3), nil).then(70, "write-user-data", instance(3), nil).then(4, "start-instance", instance(3), nil)
	d = i.step(start+1200, "commands-on-instances", "T1651", "a hidden command on many instances, then sessions")
	for n := range 12 {
		d.then(4, "send-command", instance(n), nil)
	}
	for n := range 6 {
		d.then(20, "start-session", instance(n), nil)
	}
	d = i.step(start+2000, "serial-console-opened", "T1021.008", "the serial console is allowed, and keys are pushed to instances")
	d.then(0, "serial-access", nil, nil)
	for n := range 4 {
		d.then(9, "push-serial-key", instance(n), nil).then(3, "push-key", instance(n), nil)
	}

	function := l.pools[poolFunction][1]
	a := p.org.assume(l, l.pools[poolRole][3], "", function, 6*hour)
	a.tail = `","mfaAuthenticated":"false"}}` + l.scope("AWS::Lambda::Function", fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", l.region, l.account.id, function)) + `}`
	outside := *i
	outside.actor, outside.agent = a, attackerTool
	outside.step(p.at(4, 23, 30), "function-credentials-elsewhere", "T1552.005", "the role of a function, from a network that is not AWS's").
		then(0, "sts:GetCallerIdentity", nil, nil).then(14, "s3:ListBuckets", nil, nil).then(25, "secretsmanager:ListSecrets", nil, nil).then(30, "iam:ListRoles", nil, deniedAny)
}

// stageBlinding stages what takes the defenders' sight.
func (p *plot) stageBlinding(i *intrusion) {
	start := p.at(2, 4, 0)
	i.step(start, "event-selectors-narrowed", "T1562.008", "the trail goes on, without management events").then(0, "cloudtrail:DescribeTrails", nil, nil).then(12, "cloudtrail:GetEventSelectors", nil, nil).then(30, "narrow-selectors", nil, nil)
	i.step(start+120, "guardduty-deleted", "T1562.001", "the detector is deleted").then(0, "guardduty:ListDetectors", nil, nil).then(8, "delete-detector", nil, nil)
	i.step(start+200, "config-stopped", "T1562.001", "changes are no longer recorded").then(0, "config:DescribeConfigurationRecorders", nil, nil).then(7, "stop-recorder", nil, nil)
	i.step(start+300, "flow-logs-deleted", "T1562.008", "the network is no longer recorded").then(0, "ec2:DescribeFlowLogs", nil, nil).then(10, "delete-flow-logs", nil, nil)
	i.step(start+400, "dns-logs-deleted", "T1562.008", "names that hosts ask for are no longer recorded").then(0, "route53resolver:ListResolverQueryLogConfigs", nil, nil).then(6, "delete-query-log", nil, nil)
	i.step(start+520, "trail-expires", "T1562.008", "the bucket of the account's trail forgets after a day").then(0, "expire-objects", vars{"bucket": "local-audit-cloudtrail-" + i.lane.account.id}, nil)
	d := i.step(start+700, "organization-left", "T1666", "the account tries to leave its organization")
	d.then(0, "organizations:DescribeOrganization", nil, nil).then(10, "leave-organization", nil, deniedAny).then(40, "leave-organization", nil, deniedAny)
}

// stageFoothold stages ways to stay, and to become an administrator.
func (p *plot) stageFoothold(i *intrusion) {
	l, acc, start, stranger := i.lane, i.lane.account, p.at(5, 0, 20), p.stranger()
	d := i.step(start, "administrator-created", "T1136.003", "a new user with every right, a password and a key")
	d.then(0, "iam:ListUsers", nil, nil).then(30, "create-user", vars{"user": "aws-support"}, nil)
	d.grow("arn", "arn:aws:iam::"+acc.id+":user/aws-support")
	d.then(6, "attach-user-policy", vars{"user": "aws-support"}, nil).then(5, "create-login", vars{"user": "aws-support"}, nil)
	key := p.key("AKIA", acc, hashText("aws-support"))
	d.then(4, "create-access-key", vars{"user": "aws-support", "key": key}, nil)
	d.grow("key", key)
	i.step(start+300, "role-trusts-a-stranger", "T1098.003", "a role of the account may be assumed by a stranger's").then(0, "iam:ListRoles", nil, nil).then(40, "trust-stranger", vars{"role": "ci-support", "stranger": stranger}, nil)
	i.step(start+600, "policy-for-everything", "T1098.003", "a policy in use gets a version that allows everything").then(0, "iam:GetPolicyVersion", nil, nil).then(12, "policy-for-everything", vars{"policy": l.pools[poolStack][0] + "-deploy"}, nil)
	i.step(start+900, "function-with-administrators-role", "T1548.005", "a new function is given an administrator's role, and called").
		then(0, "function-with-role", vars{"function": "log-rotate", "role": "break-glass"}, nil).then(8, "invoke", vars{"function": "log-rotate"}, nil)
	i.step(start+1200, "factor-removed", "T1556.006", "another user's second factor is removed").then(0, "iam:ListMFADevices", nil, nil).
		then(9, "deactivate-mfa", vars{"user": p.consoleUsers()[3].name}, nil).then(3, "delete-mfa", vars{"user": p.consoleUsers()[3].name}, nil)
	i.step(start+1500, "rogue-identity-provider", "T1484.002", "the account trusts an identity provider of the intruder").
		then(0, "create-saml-provider", vars{"name": "corp-sso", "host": "idp.cloud-login.example"}, nil).then(25, "create-oidc-provider", vars{"host": "tokens.cloud-login.example"}, nil)
	i.step(start+1800, "trust-anchor-created", "T1098.001", "certificates of the intruder become credentials").then(0, "create-trust-anchor", vars{"name": "legacy-hosts"}, nil).then(14, "create-anywhere-profile", vars{"name": "legacy-hosts", "role": "ci-support"}, nil)

	// The console from a key alone: a session of GetFederationToken outlives the key.
	d = i.step(start+2400, "console-by-federation-token", "T1550.001", "a key becomes a session of the console, which outlives the key")
	fed := caller{Type: "FederatedUser", PrincipalID: acc.id + ":sys-admin", ARN: "arn:aws:sts::" + acc.id + ":federated-user/sys-admin", AccountID: acc.id,
		Session: &callerSession{Issuer: &callerIssuer{Type: "IAMUser", PrincipalID: p.org.userID(acc, i.actor.arn), ARN: i.actor.arn, AccountID: acc.id, UserName: i.actor.name}}}
	fed = fed.since(d.clock, p.key("ASIA", acc, hashText("sys-admin")), false)
	d.then(0, "federation-admin", vars{"name": "sys-admin", "key": fed.AccessKeyID}, nil)
	d.grow("key", fed.AccessKeyID)
	d.as(fed.plays("sys-admin", d.actor.issued("with credentials issued to", d.source, fed.session(), "federated user sys-admin")))
	d.agent = attackerScan
	d.then(3, "signin-token", nil, nil)
	d.agent = browsers[1]
	d.then(6, "console-login", vars{"outcome": "Success", "mfa": "No"}, nil).then(40, "iam:ListUsers", nil, nil)

	management := p.org.account("management").lane("us-east-1")
	center := *i
	center.lane, center.actor = management, p.org.user(management.account, management.pools[poolUser][1])
	center.step(start+3600, "permission-set-for-an-administrator", "T1098.003", "Identity Center gives the intruder's person every right in another account").
		then(0, "create-permission-set", vars{"name": "SupportAccess"}, nil).then(9, "attach-to-permission-set", nil, nil).then(12, "assign-account", vars{"account": p.org.account("prod").id}, nil)
}

// stageAbuse stages machines, containers and mail at the organisation's cost.
func (p *plot) stageAbuse(i *intrusion) {
	acc, start := i.lane.account, p.at(2, 1, 15)
	d := i.step(start, "containers-that-mine", "T1496.001", "a public image on the largest containers there are")
	d.then(0, "create-cluster", vars{"family": "worker-pool"}, nil).then(9, "mining-task", vars{"family": "worker-pool", "image": "docker.io/metal3d/xmrig:latest"}, nil)
	for range 4 {
		d.then(5, "run-mining-task", vars{"family": "worker-pool"}, nil)
	}
	far := acc.lane("ap-southeast-2")
	i.step(start+600, "launch-in-an-unused-region", "T1535", "large instances in a region where nobody works").in(far).then(0, "quota", nil, nil).then(20, "ec2:DescribeVpcs", nil, nil).
		then(15, "run-many", vars{"type": "c6i.32xlarge", "count": "8", "group": far.pools[poolGroup][0]}, nil).then(5, "run-many", vars{"type": "p4d.24xlarge", "count": "2", "group": far.pools[poolGroup][0]}, nil)
	i.step(start+1200, "cluster-administrator", "T1098.006", "the intruder becomes an administrator of a cluster").
		then(0, "eks:ListClusters", nil, nil).then(10, "access-entry", vars{"cluster": i.lane.pools[poolCluster][0], "principal": i.actor.arn}, nil).then(4, "cluster-admin", vars{"cluster": i.lane.pools[poolCluster][0], "principal": i.actor.arn}, nil)
	d = i.step(start+1800, "mail-reconnaissance", "T1526", "what can be sent, and from where; then a sender's address of the intruder")
	d.then(0, "ses:GetSendQuota", nil, nil).then(3, "ses:ListIdentities", nil, nil).then(3, "ses:GetAccount", nil, nil).in(acc.lane("eu-central-1")).then(5, "ses:GetSendQuota", nil, nil).then(2, "ses:ListIdentities", nil, nil).
		then(9, "enable-sending", nil, nil).then(12, "verify-mail", vars{"address": "billing@cloud-login.example"}, nil)
}

// stageModels stages the use of models at the organisation's cost.
func (p *plot) stageModels(i *intrusion) {
	start := p.at(1, 3, 30)
	d := i.step(start, "models-abused", "T1496.004", "which models there are, then one call after another")
	d.then(0, "bedrock:ListFoundationModels", nil, nil).then(4, "model-availability", nil, nil).then(5, "bedrock:GetModelInvocationLoggingConfiguration", nil, nil).then(15, "use-case", nil, nil)
	for n := range 12 {
		kind := "invoke-stream"
		if n%4 == 0 {
			kind = "bedrock:InvokeModel"
		}
		d.then(7, kind, nil, nil)
	}
	i.step(start+400, "model-logs-deleted", "T1562.008", "calls of models are no longer recorded, and nothing filters them").then(0, "delete-model-log", nil, nil).then(8, "delete-guardrail", nil, nil)
	i.step(start+700, "model-key-created", "T1098.001", "a key for models alone, which the rotation of keys forgets").then(0, "create-model-key", vars{"user": i.actor.name}, nil)
}

// stageTrickery stages sign-ins that others are tricked into, or that nobody expects.
func (p *plot) stageTrickery() {
	dev, prod := p.org.account("dev"), p.org.account("prod")
	global := dev.lane("us-east-1")
	source := addressIn(rangeTunnel, mix(p.seed, hashText("password-spray"))).String()
	spray := &intrusion{plot: p, story: "sign-in", lane: global, actor: p.org.notSignedIn(dev, p.org.people[0].name), source: source, agent: browsers[1]}
	d := spray.step(p.at(4, 5, 0), "password-spray", "T1110.003", "one password for many users, slowly")
	for n := range 14 {
		u := p.org.people[(n*3+1)%len(p.org.people)]
		d.as(p.org.notSignedIn(dev, u.name)).then(50, "console-login", vars{"outcome": "Failure", "mfa": "No"}, wrongPassword)
	}

	at := p.at(1, 1, 50)
	rooted := rootCaller(prod)
	verdictAt := func(session string) verdict {
		return verdict{actor: rooted.ARN, kind: "root", session: session, name: "root of " + prod.id, certain: true}
	}
	root := &intrusion{plot: p, story: "sign-in", lane: prod.lane("us-east-1"), actor: rooted.plays("root", verdictAt(window(prod.id, at))), source: addressIn(rangeTor, mix(p.seed, hashText("root"))).String(), agent: browsers[2]}
	d = root.step(at, "root-sign-in", "T1078.004", "root by its password alone, through Tor").then(0, "console-login", vars{"outcome": "Success", "mfa": "No"}, nil)
	c := rooted.since(at, "", false)
	d.console(at+30, c, verdictAt(c.session()), nil, "iam:GetAccountSummary", "iam:ListUsers")

	management := p.org.account("management").lane("us-east-1")
	u := p.org.people[6]
	phished := &intrusion{plot: p, story: "sign-in", lane: management, actor: p.org.centerUser(management, u), source: addressIn(rangeOcean, mix(p.seed, hashText("device"))).String(), agent: shells[1]}
	phished.step(p.at(2, 13, 20), "device-code-phished", "T1528", "a person confirms a code; the intruder's command line gets the token, elsewhere").
		then(0, "device-token", nil, nil).then(4, "list-accounts", nil, nil).then(9, "role-credentials", vars{"account": prod.id, "role": u.set}, nil)

	d = p.attack(global, rootlessActor, addressIn(rangeRunners, mix(p.seed, hashText("fork"))).String(), pipelineAgents[0], Label{Name: "strangers-workflow", Technique: "T1199", Story: "sign-in",
		Note: "a role trusts every repository: the token is of a stranger's"}).from(p.at(3, 11, 5))
	d.byToken(dev, "github-preview", "repo:free-runner-tools/pwn:ref:refs/heads/main")
	d.then(5, "sts:GetCallerIdentity", nil, nil).then(7, "secretsmanager:ListSecrets", nil, nil).then(4, "s3:ListBuckets", nil, nil)
}
