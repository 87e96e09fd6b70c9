package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/exposure"
)

// amazon answers as EC2's Query API and AWS Config do.
type amazon struct {
	key     string   // access key that is accepted
	denied  []string // calls that are not permitted
	slow    int      // requests to refuse at first, as too many
	asked   []string
	configs []string // resources of an aggregator
}

const group = `<item><ownerId>111122223333</ownerId><groupId>sg-%d</groupId><groupName>web</groupName><vpcId>vpc-1</vpcId><ipPermissions>` +
	`<item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort><groups/><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></ipPermissions></item>`

var answers = map[string]string{
	"DescribeInstances": `<reservationSet><item><ownerId>111122223333</ownerId><groupSet/><instancesSet><item><instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name></instanceState>` +
		`<instanceType>t3.micro</instanceType><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><ipAddress>203.0.113.9</ipAddress><groupSet><item><groupId>sg-2</groupId></item></groupSet>` +
		`<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><subnetId>subnet-1</subnetId><groupSet><item><groupId>sg-2</groupId></item></groupSet>` +
		`<attachment><deviceIndex>0</deviceIndex></attachment><association><publicIp>203.0.113.9</publicIp></association></item></networkInterfaceSet></item></instancesSet></item></reservationSet>`,
	"DescribeNetworkAcls": `<networkAclSet><item><networkAclId>acl-1</networkAclId><ownerId>111122223333</ownerId><vpcId>vpc-1</vpcId><entrySet>` +
		`<item><ruleNumber>100</ruleNumber><protocol>-1</protocol><ruleAction>allow</ruleAction><egress>false</egress><cidrBlock>0.0.0.0/0</cidrBlock></item>` +
		`<item><ruleNumber>32767</ruleNumber><protocol>-1</protocol><ruleAction>deny</ruleAction><egress>false</egress><cidrBlock>0.0.0.0/0</cidrBlock></item></entrySet>` +
		`<associationSet><item><networkAclId>acl-1</networkAclId><subnetId>subnet-1</subnetId></item></associationSet></item></networkAclSet>`,
	"DescribeSubnets":           `<subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><ownerId>111122223333</ownerId><mapPublicIpOnLaunch>true</mapPublicIpOnLaunch></item></subnetSet>`,
	"DescribeNetworkInterfaces": `<networkInterfaceSet/>`,
	"DescribeAddresses":         `<addressesSet/>`,
}

func (a *amazon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code, message string) {
		w.WriteHeader(status)
		if r.Header.Get("X-Amz-Target") != "" {
			fmt.Fprintf(w, `{"__type":"com.amazonaws.starling#%s","message":%q}`, code, message)
			return
		}
		fmt.Fprintf(w, `<?xml version="1.0"?><Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>x</RequestID></Response>`, code, message)
	}
	action := r.FormValue("Action")
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		_, action, _ = strings.Cut(target, ".")
	}
	a.asked = append(a.asked, action)
	switch {
	case action == "AssumeRole" && slices.Contains(a.denied, action):
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>`)
	case action == "AssumeRole":
		fmt.Fprint(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>`+
			`<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`)
	case a.slow > 0:
		a.slow--
		refuse(http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded.")
	case !strings.Contains(r.Header.Get("Authorization"), "Credential="+a.key+"/"):
		refuse(http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials")
	case slices.Contains(a.denied, action):
		refuse(http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/b is not authorized to perform: ec2:"+action+". Encoded authorization failure message: abc")
	case action == "DescribeSecurityGroups" && r.FormValue("NextToken") == "":
		fmt.Fprintf(w, "<R><securityGroupInfo>"+group+"</securityGroupInfo><nextToken>more</nextToken></R>", 1)
	case action == "DescribeSecurityGroups":
		fmt.Fprintf(w, "<R><securityGroupInfo>"+group+"</securityGroupInfo></R>", 2)
	case action == "SelectAggregateResourceConfig":
		var ask struct{ ConfigurationAggregatorName, NextToken string }
		_ = json.NewDecoder(r.Body).Decode(&ask)
		n, next := 0, ""
		if fmt.Sscan(ask.NextToken, &n); n+1 < len(a.configs) {
			next = fmt.Sprint(n + 1)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"Results": a.configs[n : n+1], "NextToken": next})
	default:
		fmt.Fprintf(w, `<?xml version="1.0"?><R xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>x</requestId>%s</R>`, answers[action])
	}
}

// ask starts a server, asks it, and returns what package exposure makes of the answers.
func ask(t *testing.T, a *amazon, target Target) (openings []exposure.Opening, waited time.Duration, err error) {
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	t.Setenv("AWS_ENDPOINT_URL_STS", server.URL)
	target.Endpoint, target.Region = server.URL, "eu-central-1"
	c := Client{wait: func(ctx context.Context, d time.Duration) error {
		waited += d
		return ctx.Err()
	}}
	m := exposure.New()
	err = c.Pages(t.Context(), target, func(p Page) error { return m.Describe(p.Doc, p.At, p.Account, p.Region) })
	return m.Openings(), waited, err
}

func brief(openings []exposure.Opening) string {
	var list []string
	for _, o := range openings {
		s := o.ID + " " + string(o.Reach) + " " + o.Traffic.String() + " " + o.Account + " " + o.Region
		for _, i := range o.Instances {
			s += " " + i.ID + " " + i.Address
		}
		list = append(list, s)
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// TestPages: AWS is asked page by page and waited for; what it answers gives openings.
func TestPages(t *testing.T) {
	a := &amazon{key: "AKIDEXAMPLE", slow: 3}
	openings, waited, err := ask(t, a, Target{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "acl-1 reachable all traffic from 0.0.0.0/0 111122223333 eu-central-1 i-1 203.0.113.9\n" +
		"sg-1 unknown tcp 22 (SSH) from 0.0.0.0/0 111122223333 eu-central-1\n" +
		"sg-2 reachable tcp 22 (SSH) from 0.0.0.0/0 111122223333 eu-central-1 i-1 203.0.113.9"
	if got := brief(openings); got != want {
		t.Errorf("openings:\n%s\nwant:\n%s", got, want)
	}
	if len(a.asked) != 3+7 || waited < 3500*time.Millisecond {
		t.Errorf("asked %q, waited %s", a.asked, waited)
	}
}

// TestFaults: what is wrong is said in words, and a missing permission costs only its call.
func TestFaults(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/reader"
	for _, c := range []struct {
		amazon amazon
		target Target
		want   string
		asked  int
		found  bool
	}{
		{amazon{key: "AKIDEXAMPLE", denied: []string{"DescribeNetworkAcls"}}, Target{},
			"eu-central-1: the permission ec2:DescribeNetworkAcls is missing: You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/b is not authorized to perform: ec2:DescribeNetworkAcls.", 7, true},
		{amazon{key: "AKIDOTHER"}, Target{}, "AWS does not accept the credentials; a region that the account has not enabled answers so, too (AuthFailure", 1, false},
		{amazon{key: "ASIAROLE", denied: []string{"AssumeRole"}}, Target{Role: role}, "cannot assume " + role + ": AccessDenied: not authorized to perform: sts:AssumeRole", 1, false},
		{amazon{key: "ASIAROLE", denied: []string{"DescribeSubnets"}}, Target{Role: role}, "eu-central-1 as " + role + ": the permission ec2:DescribeSubnets is missing", 8, true},
		{amazon{key: "AKIDEXAMPLE", slow: 100}, Target{}, "DescribeInstances failed: RequestLimitExceeded", tries, false},
		{amazon{key: "AKIDEXAMPLE", denied: []string{"SelectAggregateResourceConfig"}}, Target{Aggregator: "all"}, "aggregator all in eu-central-1: the permission config:SelectAggregateResourceConfig is missing", 1, false},
	} {
		openings, _, err := ask(t, &c.amazon, c.target)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "Encoded") {
			t.Errorf("%v\nwant %s", err, c.want)
		}
		if len(c.amazon.asked) != c.asked || (len(openings) > 0) != c.found {
			t.Errorf("%s: asked %q, %d openings", c.want, c.amazon.asked, len(openings))
		}
	}
}

// TestAggregator: AWS Config tells of many accounts and regions.
func TestAggregator(t *testing.T) {
	item := func(kind, configuration string) string {
		return `{"accountId":"444455556666","awsRegion":"us-west-2","resourceType":"AWS::EC2::` + kind + `","configurationItemCaptureTime":"2026-03-02T10:00:00.000Z","configuration":` + configuration + `}`
	}
	a := &amazon{key: "AKIDEXAMPLE", configs: []string{
		item("Instance", `{"instanceId":"i-7","instanceType":"t3.micro","state":{"code":16,"name":"running"},"subnetId":"subnet-7","vpcId":"vpc-7","publicIpAddress":"203.0.113.7","securityGroups":[{"groupId":"sg-7"}],"networkInterfaces":[]}`),
		item("SecurityGroup", `{"groupId":"sg-7","groupName":"x","ownerId":"444455556666","vpcId":"vpc-7","ipPermissions":[{"ipProtocol":"tcp","fromPort":3389,"toPort":3389,"ipRanges":["0.0.0.0/0"],"ipv4Ranges":[{"cidrIp":"0.0.0.0/0"}],"ipv6Ranges":[],"userIdGroupPairs":[]}]}`),
		item("NetworkAcl", `{"networkAclId":"acl-7","ownerId":"444455556666","vpcId":"vpc-7","associations":[{"networkAclId":"acl-7","subnetId":"subnet-7"}],"entries":[{"ruleNumber":32767,"protocol":"-1","ruleAction":"deny","egress":false,"cidrBlock":"0.0.0.0/0"}]}`),
		item("Subnet", `{"subnetId":"subnet-7","vpcId":"vpc-7","ownerId":"444455556666","mapPublicIpOnLaunch":false}`),
	}}
	openings, _, err := ask(t, a, Target{Aggregator: "all"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := brief(openings), "sg-7 blocked tcp 3389 (RDP) from 0.0.0.0/0 444455556666 us-west-2 i-7 203.0.113.7"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestCache: answers outlive a failure, which is told.
func TestCache(t *testing.T) {
	a := &amazon{key: "AKIDEXAMPLE"}
	server := httptest.NewServer(a)
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	c := &Cache{Dir: t.TempDir(), Client: &Client{wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}}
	target := Target{Region: "eu-central-1", Endpoint: server.URL}
	if s, err := c.Status(target); err != nil || !s.At.IsZero() {
		t.Fatalf("before: %+v, %v", s, err)
	}
	if s, err := c.Refresh(t.Context(), target); err != nil || s.Pages != 7 || s.Problem != "" || !s.Fresh(time.Now(), time.Minute) {
		t.Fatalf("first: %+v, %v", s, err)
	}
	a.key = "AKIDOTHER"
	s, err := c.Refresh(t.Context(), target)
	if err != nil || s.Pages != 7 || !strings.Contains(s.Problem, "does not accept the credentials") || s.Fresh(time.Now(), time.Minute) {
		t.Fatalf("refused: %+v, %v", s, err)
	}
	pages := 0
	if err := c.Each(target, func(p Page) error {
		if pages++; !json.Valid(p.Doc) || p.At.IsZero() || p.Region != "eu-central-1" {
			t.Errorf("page %+v", p)
		}
		return nil
	}); err != nil || pages != 7 {
		t.Errorf("%d pages are kept, %v", pages, err)
	}
}
