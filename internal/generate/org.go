package generate

import (
	"fmt"
	"strings"
)

// organisation is everything that exists before the first event.
type organisation struct {
	seed     uint64
	id       string // o-…
	bucket   string // where the trail delivers
	accounts []*account
	lanes    []*lane
	people   []*person
}

type account struct {
	index  int
	name   string // prod, dev…
	number uint64
	id     string // the number, 12 digits
	// people and machines say how much of either kind of activity the account sees.
	people, machines uint64
	lanes            []*lane
	roles            map[string]string // role name to its AROA id
}

// lane is one account in one region: what CloudTrail delivers as one series of files.
type lane struct {
	index   int
	account *account
	region  string
	share   uint64 // of the account's machines; 0 in a region that nobody uses
	pools   [poolCount][]string
	crews   [crewCount]crew
}

// global says whether events of IAM, STS and sign-in are delivered here.
func (l *lane) global() bool { return l.region == "us-east-1" }

type person struct {
	index  int
	first  string
	name   string // as an IAM user: first.last
	email  string
	office *office
	home   string
	agent  string // browser
	cli    string
	set    string // permission set of the single sign-on
}

type accountPlan struct {
	name             string
	people, machines uint64
	regions          []string
	unused           []string // regions in which only a scanner looks around
}

var accountPlans = []accountPlan{
	{"management", 4, 3, []string{"us-east-1"}, nil},
	{"prod", 18, 46, []string{"eu-central-1", "us-east-1", "eu-west-1"}, []string{"us-west-2"}},
	{"dev", 36, 12, []string{"eu-central-1", "us-east-1"}, []string{"ap-southeast-2"}},
	{"security", 10, 8, []string{"eu-central-1", "us-east-1"}, nil},
	{"staging", 16, 14, []string{"eu-central-1", "us-east-1"}, nil},
	{"data", 16, 17, []string{"eu-central-1", "us-east-1"}, nil},
}

// The share of an account's machines in its first, second and third region.
var regionShares = []uint64{70, 18, 12}

var (
	firstNames = strings.Fields(`maria jonas priya david elena samuel anita lukas grace omar nina paul
		divya tobias hannah kevin sofia martin leila peter emma rahul julia thomas alice victor megan simon
		deepa oliver clara nikhil laura stefan amy daniel petra rohan lisa marco`)
	lastNames = strings.Fields(`keller meier sharma wilson rossi brunner iyer novak thompson haddad schmid
		baker nair vogel clark wyss evans reddy frei moore huber patel weber ross gupta fischer bell
		kumar steiner hughes rao graf turner mehta baumann cole widmer joshi ward zimmermann`)
	permissionSets = []string{"AdministratorAccess", "PowerUserAccess", "DeveloperAccess", "DeveloperAccess", "DeveloperAccess", "ReadOnlyAccess", "DataAnalyst", "SecurityAudit"}
	browsers       = []string{
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	}
	shells = []string{
		"aws-cli/2.27.41 md/awscrt#0.26.1 ua/2.1 os/macos#24.5.0 md/arch#arm64 lang/python#3.13.4 md/pyimpl#CPython cfg/retry-mode#standard",
		"aws-cli/2.25.6 md/awscrt#0.25.4 ua/2.1 os/linux#6.8.0-60-generic md/arch#x86_64 lang/python#3.12.9 md/pyimpl#CPython cfg/retry-mode#standard",
		"Boto3/1.38.23 md/Botocore#1.38.23 ua/2.1 os/windows#11 md/arch#amd64 lang/python#3.12.10 md/pyimpl#CPython",
	}
)

const organisationDomain = "northwind-ferries.example"

func newOrganisation(cfg Config) *organisation {
	o := &organisation{seed: mix(cfg.Seed, hashText("organisation"))}
	o.id = string(appendHex([]byte("o-"), mix(o.seed, 1), 10))
	for i := range cfg.Accounts {
		o.accounts = append(o.accounts, o.newAccount(i))
	}
	o.bucket = "aws-cloudtrail-logs-" + o.accounts[0].id + "-" + string(appendHex(nil, mix(o.seed, 2), 8))
	for i := range min(24+cfg.Accounts*6, len(firstNames)*len(lastNames)/2) {
		o.people = append(o.people, o.newPerson(i))
	}
	for _, a := range o.accounts {
		for _, l := range a.lanes {
			l.index = len(o.lanes)
			o.lanes = append(o.lanes, l)
			o.furnish(l)
			o.staff(l)
		}
	}
	return o
}

func (o *organisation) newAccount(i int) *account {
	plan := accountPlan{fmt.Sprintf("team-%02d", i), 8, 5, []string{"eu-central-1", "us-east-1"}, nil}
	if i < len(accountPlans) {
		plan = accountPlans[i]
	}
	number := 100_000_000_000 + within(mix(o.seed, hashText(plan.name)), 899_999_999_999)
	a := &account{index: i, name: plan.name, number: number, id: fmt.Sprint(number),
		people: plan.people, machines: plan.machines, roles: map[string]string{}}
	for j, region := range plan.regions {
		a.lanes = append(a.lanes, &lane{account: a, region: region, share: regionShares[j]})
	}
	for _, region := range plan.unused {
		a.lanes = append(a.lanes, &lane{account: a, region: region})
	}
	return a
}

// lane returns the account's lane in the region, which must exist.
func (a *account) lane(region string) *lane {
	for _, l := range a.lanes {
		if l.region == region {
			return l
		}
	}
	panic("generate: no lane " + a.name + " " + region)
}

func (o *organisation) account(name string) *account {
	for _, a := range o.accounts {
		if a.name == name {
			return a
		}
	}
	panic("generate: no account " + name)
}

// roleID returns the AROA id of a role of the account, the same at each call.
func (a *account) roleID(seed uint64, role string) string {
	id, ok := a.roles[role]
	if !ok {
		id = identifier("AROA", a.number, mix(seed, a.number, hashText(role)), 21)
		a.roles[role] = id
	}
	return id
}

func (o *organisation) newPerson(i int) *person {
	h := mix(o.seed, hashText("person"), uint64(i))
	// The stride is prime to the number of last names, so names do not repeat.
	first, last := firstNames[i%len(firstNames)], lastNames[(i*7+i/len(firstNames))%len(lastNames)]
	at := within(h, 100)
	var place *office
	for j := range offices {
		place = &offices[j]
		if at < place.share {
			break
		}
		at -= place.share
	}
	name := first + "." + last
	return &person{index: i, first: first, name: name, email: name + "@" + organisationDomain, office: place,
		home:  addressIn(place.homes, mix(h, 1)).String(),
		agent: browsers[within(mix(h, 2), uint64(len(browsers)))],
		cli:   shells[within(mix(h, 3), uint64(len(shells)))],
		set:   permissionSets[within(mix(h, 4), uint64(len(permissionSets)))]}
}
