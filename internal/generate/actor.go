package generate

import "fmt"

// The crews are the kinds of actors; each has its own hours. In a hundred calls
// 12 come from a service's name rather than an address, as in real trails; many
// come with access keys of IAM users, for this company's ships and harbours still run on them.
const (
	crewServices  = iota // AWS services acting through their service-linked roles
	crewMachines         // instances, tasks and functions under their roles
	crewPipelines        // CI runners and Terraform
	crewPeople           // single sign-on, console and shell
	crewKeys             // IAM users with access keys
	crewPartners         // roles of other accounts
	crewScanners         // a posture scanner, twice a day, over all regions
	crewCount
)

var crewShares = [crewCount]uint64{11, 19, 8, 12, 44, 4, 2}

// actor is who calls. What identity writes is fixed but for the temporary
// access key and the start of the session.
type actor struct {
	id   uint64
	name string // userName of an IAM user, otherwise the role's
	arn  string
	// head, middle and tail are the JSON of userIdentity around the access key and the creation date.
	head, middle, tail string
	after              string // more of a person's identity
	account            uint64
	lasts              int64 // seconds that a session lives; 0 if head is the whole identity
	person             *person
	sources            []string
	agents             []string
	repertoire         *repertoire

	behalf    string // onBehalfOf of a person's sessions, where the service writes it
	endpoint  bool   // calls through a VPC endpoint
	encrypted bool   // over TLS that CloudTrail saw: all but services' own calls
	console   bool
	shared    bool // the event is also delivered to the caller's account

	who    verdict
	caller *caller // of staged identities with credentials of their own
}

// crew is the actors of one kind in a lane, the busiest first.
type crew struct{ actors []*actor }

// sessionStart is when the credentials in use at the time were issued.
func (a *actor) sessionStart(unix int64) int64 {
	shift := int64(within(a.id, uint64(a.lasts)/4)) // not all at once
	if a.person != nil {
		shift -= a.person.office.offset
	}
	return unix - ((unix-shift)%a.lasts+a.lasts)%a.lasts
}

// identity appends the userIdentity of the call.
func (a *actor) identity(b []byte, c *call) []byte {
	b = append(b, a.head...)
	if a.lasts == 0 {
		return b
	}
	start := a.sessionStart(c.time)
	b = appendIdentifier(b, "ASIA", a.account, mix(a.id, uint64(start)), 20)
	b = append(b, a.middle...)
	b = appendTime(b, start)
	if a.person == nil {
		return append(b, a.tail...)
	}
	b = append(b, `","mfaAuthenticated":"false"}`...)
	if a.console {
		b = append(b, `,"signInSessionArn":"`...)
		b = append(c.lane.signInSession(b, mix(a.id, uint64(start))), '"')
	}
	b = append(b, '}')
	// Each service decides for itself whether it writes who is behind a session.
	if hashText(c.kind.service)%4 != 0 {
		b = append(b, `,"onBehalfOf":`...)
		b = append(b, a.behalf...)
	}
	return append(append(b, a.after...), '}')
}

// signInSession appends the ARN of a session of the sign-in service.
func (l *lane) signInSession(b []byte, h uint64) []byte {
	b = append(append(b, "arn:aws:signin:"...), l.region...)
	b = append(append(append(b, ':'), l.account.id...), ":session/"...)
	return appendUUID(b, h)
}

// assume makes an actor of a role's session. path is "" or such as "/service-role".
func (o *organisation) assume(l *lane, role, path, session string, lasts int64) *actor {
	acc := l.account
	aroa := acc.roleID(o.seed, role)
	arn := fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", acc.id, role, session)
	return &actor{id: mix(o.seed, hashText(arn), hashText(l.region)), name: role, arn: arn, account: acc.number, lasts: lasts, encrypted: true,
		head: fmt.Sprintf(`{"type":"AssumedRole","principalId":"%s:%s","arn":"%s","accountId":"%s","accessKeyId":"`, aroa, session, arn, acc.id),
		middle: fmt.Sprintf(`","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"%s","arn":"arn:aws:iam::%s:role%s/%s","accountId":"%s","userName":"%s"},"attributes":{"creationDate":"`,
			aroa, acc.id, path, role, acc.id, role),
		tail: `","mfaAuthenticated":"false"}}}`, who: assumedVerdict(acc, role, path)}
}

// user makes an actor of an IAM user with a long-lived access key.
func (o *organisation) user(acc *account, name string) *actor {
	arn := fmt.Sprintf("arn:aws:iam::%s:user/%s", acc.id, name)
	id := mix(o.seed, hashText(arn))
	return &actor{id: id, name: name, arn: arn, account: acc.number, encrypted: true,
		head: fmt.Sprintf(`{"type":"IAMUser","principalId":"%s","arn":"%s","accountId":"%s","accessKeyId":"%s","userName":"%s"}`,
			o.userID(acc, arn), arn, acc.id, identifier("AKIA", acc.number, scramble(id), 20), name),
		who: verdict{actor: arn, kind: "iam-user", name: name, certain: true}}
}

// userID is the principal id of an IAM user.
func (o *organisation) userID(acc *account, arn string) string {
	return identifier("AIDA", acc.number, mix(o.seed, hashText(arn)), 21)
}

// setRolePath is the path of the roles that Identity Center makes in accounts.
const setRolePath = "/aws-reserved/sso.amazonaws.com/eu-central-1"

// setRole is the role of the person's permission set in an account.
func (p *person) setRole(acc *account) string {
	return fmt.Sprintf("AWSReservedSSO_%s_%s", p.set, appendHex(nil, mix(acc.number, hashText(p.set)), 16))
}

// signOn makes an actor of a person in an account, by single sign-on.
func (o *organisation) signOn(l *lane, p *person, console bool) *actor {
	role := p.setRole(l.account)
	a := o.assume(l, role, setRolePath, p.email, 4*hour)
	a.person, a.console, a.behalf = p, console, o.behalf(p)
	a.who = verdict{actor: p.email, kind: "identity-center-user", name: "role " + role + ", session " + p.email, certain: true}
	a.sources = []string{p.office.egress.String(), p.office.egress.String(), p.home}
	a.agents = []string{p.cli}
	if console {
		a.agents = []string{p.agent}
	}
	// Console and shell of one person draw on one session, but not in step.
	a.id = mix(o.seed, hashText(a.arn))
	return a
}

// behalf is the onBehalfOf of what a person does.
func (o *organisation) behalf(p *person) string {
	b := o.onBehalf(p)
	return fmt.Sprintf(`{"userId":"%s","identityStoreArn":"%s"}`, b.UserID, b.Store)
}

// onBehalf names the person of Identity Center for whom a caller acts.
func (o *organisation) onBehalf(p *person) *callerBehalf {
	return &callerBehalf{UserID: string(appendUUID(nil, mix(o.seed, hashText(p.email)))),
		Store: fmt.Sprintf("arn:aws:identitystore::%s:identitystore/d-%s", o.accounts[0].id, appendHex(nil, mix(o.seed, hashText("identitystore")), 10))}
}

// scope is the inScopeOf of credentials that were issued to a resource, to stand
// behind sessionContext.
func (l *lane) scope(issuer, resource string) string {
	return fmt.Sprintf(`,"inScopeOf":{"sourceArn":"%s","sourceAccount":"%s","issuerType":"%s","credentialsIssuedTo":"%s"}`, resource, l.account.id, issuer, resource)
}

func (l *lane) instanceArn(id string) string {
	return fmt.Sprintf("arn:aws:ec2:%s:%s:instance/%s", l.region, l.account.id, id)
}

// staff hires the lane's actors.
func (o *organisation) staff(l *lane) {
	o.staffServices(l)
	o.staffMachines(l)
	o.staffPipelines(l)
	o.staffPeople(l)
	h := mix(o.seed, hashText("keys"), l.account.number)
	keys := keysProfile.in(l)
	for i := range len(l.pools[poolUser]) {
		a := o.user(l.account, l.pools[poolUser][i])
		a.sources = []string{addressIn(rangeHosting, mix(h, uint64(i))).String()}
		a.agents = []string{machineAgents[i%len(machineAgents)]}
		a.repertoire = keys
		l.hire(crewKeys, a)
	}
	auditor := o.account("security")
	for i, role := range []string{"OrganizationAudit", "CostExplorerReader"} {
		session := []string{"posture-scan", "finops"}[i]
		a := &actor{id: mix(h, uint64(i)), name: role, arn: fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", auditor.id, role, session), shared: true, encrypted: true,
			head:    fmt.Sprintf(`{"type":"AWSAccount","principalId":"%s:%s","accountId":"%s"}`, auditor.roleID(o.seed, role), session, auditor.id),
			who:     verdict{actor: auditor.id + "/" + auditor.roleID(o.seed, role), kind: "account", certain: true},
			sources: []string{addressIn(gateways["eu-central-1"], mix(o.seed, uint64(i))).String()}, agents: machineAgents[:1],
			repertoire: partnersProfile.in(l)}
		l.hire(crewPartners, a)
	}
	scanner := o.assume(l, scannerRole, "", "ProwlerAssessmentSession", hour)
	scanner.sources = []string{addressIn(gateways["eu-central-1"], mix(o.seed, hashText("scanner"))).String()}
	scanner.agents = []string{scannerAgent}
	scanner.repertoire = scannerProfile().in(l)
	l.hire(crewScanners, scanner)
}

func (l *lane) hire(crew int, a *actor) { l.crews[crew].actors = append(l.crews[crew].actors, a) }

func (o *organisation) staffServices(l *lane) {
	for _, s := range serviceActors {
		service := s.service + ".amazonaws.com"
		a := o.assume(l, s.role, "/aws-service-role/"+service, s.session, hour)
		switch {
		case s.role == "":
			a = &actor{id: hashText(s.service), name: service, arn: service, shared: true,
				head: `{"type":"AWSService","invokedBy":"` + service + `"}`, who: serviceVerdict(service)}
		case s.event:
			a = &actor{id: hashText(s.service), name: service, arn: service,
				head: fmt.Sprintf(`{"accountId":"%s","invokedBy":"%s"}`, l.account.id, service), who: serviceVerdict(service)}
		default:
			a.tail = `","mfaAuthenticated":"false"}},"invokedBy":"` + service + `"}`
			a.encrypted = false
		}
		a.sources, a.agents = []string{service}, []string{service}
		a.repertoire = s.does.in(l)
		l.hire(crewServices, a)
	}
}

func (o *organisation) staffMachines(l *lane) {
	h := mix(o.seed, hashText("machines"), l.account.number, hashText(l.region))
	gateway := []string{addressIn(gateways[l.region], h).String(), addressIn(gateways[l.region], mix(h, 1)).String()}
	profiles := []*repertoire{taskProfile.in(l), functionProfile.in(l), agentProfile.in(l)}
	for i := range 8 + len(l.pools[poolRole]) {
		role, session := l.pools[poolRole][i%len(l.pools[poolRole])], string(appendHex(nil, mix(h, 2, uint64(i)), 32))
		kind := i % 3
		switch kind {
		case 1:
			session = l.pools[poolFunction][i%len(l.pools[poolFunction])]
		case 2:
			session = l.pools[poolInstance][i%len(l.pools[poolInstance])]
		}
		a := o.assume(l, role, "", session, 6*hour)
		a.repertoire = profiles[kind]
		a.agents = []string{machineAgents[int(mix(h, 3, uint64(i))%uint64(len(machineAgents)))]}
		a.sources = gateway
		switch { // few credentials say yet what they were issued to
		case i%12 == 1:
			a.tail = `","mfaAuthenticated":"false"}}` + l.scope("AWS::Lambda::Function", fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", l.region, l.account.id, session)) + `}`
		case i%12 == 2:
			a.tail = `","mfaAuthenticated":"false"},"ec2RoleDelivery":"2.0"}` + l.scope("AWS::EC2::Instance", l.instanceArn(session)) + `}`
		case kind == 2:
			a.tail = `","mfaAuthenticated":"false"},"ec2RoleDelivery":"2.0"}}`
		}
		if i%5 == 2 {
			a.endpoint = true
			a.sources = []string{string(appendPrivateAddress(nil, nil, mix(h, 4, uint64(i))))}
		}
		l.hire(crewMachines, a)
	}
}

func (o *organisation) staffPipelines(l *lane) {
	h := mix(o.seed, hashText("pipelines"), l.account.number)
	for i, robot := range []struct {
		role, session string
		does          *profile
	}{
		{"github-deploy", "GitHubActions", &pipelineProfile}, {"terraform-apply", "aws-go-sdk-1748851200000000000", &terraformProfile},
		{"image-builder", "GitHubActions", &pipelineProfile}, {"cdk-hnb659fds-cfn-exec-role", "AWSCloudFormation", &stackProfile},
	} {
		a := o.assume(l, robot.role, "", robot.session, hour)
		a.repertoire = robot.does.in(l)
		if robot.does == &stackProfile {
			const service = "cloudformation.amazonaws.com"
			a.sources, a.agents, a.encrypted = []string{service}, []string{service}, false
			a.tail = `","mfaAuthenticated":"false"}},"invokedBy":"` + service + `"}`
		} else {
			for j := range 12 {
				a.sources = append(a.sources, addressIn(rangeRunners, mix(h, uint64(i), uint64(j))).String())
			}
			a.agents = []string{pipelineAgents[i]}
		}
		l.hire(crewPipelines, a)
	}
}

func (o *organisation) staffPeople(l *lane) {
	for _, p := range o.people {
		for _, acc := range o.workplaces(p) {
			if acc != l.account {
				continue
			}
			console, shell := o.signOn(l, p, true), o.signOn(l, p, false)
			console.repertoire, shell.repertoire = consoleProfile.in(l), shellProfile.in(l)
			l.hire(crewPeople, console)
			l.hire(crewPeople, shell)
		}
	}
}

// workplaces are the two accounts in which a person works.
func (o *organisation) workplaces(p *person) []*account {
	first := o.accounts[p.index%len(o.accounts)]
	second := o.accounts[(p.index+1+p.index/len(o.accounts)%(len(o.accounts)-1))%len(o.accounts)]
	return []*account{first, second}
}
