package exposure_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/exposure"

	"github.com/google/go-cmp/cmp"
)

// call is a record of EC2, at a minute of an hour.
func call(minute int, name, request, response string) string {
	return fmt.Sprintf(`{"eventTime":"2026-03-02T10:%02d:00Z","eventID":"00000000-0000-4000-8000-%012d","eventSource":"ec2.amazonaws.com","eventName":%q,"awsRegion":"us-east-1",
		"recipientAccountId":"111122223333","sourceIPAddress":"198.51.100.7","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/alice"},
		"requestParameters":%s,"responseElements":%s}`, minute, minute, name, request, response)
}

const (
	openSSH  = `{"groupId":"sg-1","ipPermissions":{"items":[{"ipProtocol":"tcp","fromPort":22,"toPort":22,"groups":{},"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]}}]}}`
	made     = `{"_return":true,"securityGroupRuleSet":{"items":[{"groupId":"sg-1","securityGroupRuleId":"sgr-1","isEgress":false,"ipProtocol":"tcp","fromPort":22,"toPort":22,"cidrIpv4":"0.0.0.0/0"}]}}`
	launched = `{"instancesSet":{"items":[{"instanceId":"i-1","instanceType":"t3.micro","subnetId":"subnet-1","vpcId":"vpc-1","groupSet":{"items":[{"groupId":"sg-1"}]},
		"networkInterfaceSet":{"items":[{"networkInterfaceId":"eni-1","subnetId":"subnet-1","attachment":{"deviceIndex":0},"groupSet":{"items":[{"groupId":"sg-1"}]}}]}}]}}`
	run     = `{"instancesSet":{"items":[{"imageId":"ami-1","minCount":1,"maxCount":1}]}}`
	entry   = `{"networkAclId":"acl-1","ruleNumber":%d,"egress":false,"ruleAction":%q,"aclProtocol":"6","cidrBlock":%q,"portRange":{"from":%d,"to":%d}}`
	acls    = `{"NetworkAcls":[{"NetworkAclId":"acl-1","VpcId":"vpc-1","OwnerId":"111122223333","Associations":[{"NetworkAclAssociationId":"aclassoc-1","SubnetId":"subnet-1"}],"Entries":[%s]}]}`
	denyAll = `{"RuleNumber":32767,"Protocol":"-1","RuleAction":"deny","Egress":false,"CidrBlock":"0.0.0.0/0"}`
)

func of(records ...string) *exposure.Model {
	m := exposure.New()
	for _, r := range records {
		m.Add([]byte(r))
	}
	return m
}

// line sums up an opening.
func line(o *exposure.Opening) string {
	s := o.ID + " " + o.Traffic.String() + ": " + string(o.Reach)
	for _, i := range o.Instances {
		s += " " + i.ID + "=" + string(i.Reach)
		if i.Why != "" {
			s += " (" + i.Why + ")"
		}
	}
	return s
}

func lines(m *exposure.Model) []string {
	var list []string
	for _, o := range m.Openings() {
		list = append(list, line(&o))
	}
	return list
}

func TestOpenings(t *testing.T) {
	ssh := "sg-1 tcp 22 (SSH) from 0.0.0.0/0: "
	opened, instance := call(1, "AuthorizeSecurityGroupIngress", openSSH, made), call(2, "RunInstances", run, launched)
	address := call(3, "AssociateAddress", `{"allocationId":"eipalloc-1","networkInterfaceId":"eni-1"}`, `{"associationId":"eipassoc-1"}`)
	for _, c := range []struct {
		name    string
		records []string
		facts   []string
		want    []string
	}{
		{"no instance", []string{opened}, nil, []string{ssh + "unknown"}},
		{"an ACL is unknown", []string{opened, instance, address}, nil, []string{ssh + "unknown i-1=unknown (which network ACL subnet subnet-1 has is unknown)"}},
		{"reachable", []string{opened, instance, address},
			[]string{fmt.Sprintf(acls, `{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"10.0.0.0/8"},{"RuleNumber":110,"Protocol":"6","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0","PortRange":{"From":1,"To":1024}},`+denyAll)},
			[]string{"acl-1 tcp 1-1024 from 0.0.0.0/0: reachable i-1=reachable (security group sg-1 lets it in, too)", ssh + "reachable i-1=reachable"}},
		{"the ACL denies the port", []string{opened, instance, address},
			[]string{fmt.Sprintf(acls, `{"RuleNumber":90,"Protocol":"6","RuleAction":"deny","Egress":false,"CidrBlock":"0.0.0.0/0","PortRange":{"From":22,"To":22}},{"RuleNumber":110,"Protocol":"6","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0","PortRange":{"From":443,"To":443}}`)},
			[]string{"acl-1 tcp 443 from 0.0.0.0/0: unknown i-1=unknown (not all rules of security group sg-1 are known)", ssh + "blocked i-1=blocked (network ACL acl-1 denies it (entry 90))"}},
		{"the ACL knows a few addresses", []string{opened, instance, address},
			[]string{fmt.Sprintf(acls, `{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"192.0.2.0/24"},`+denyAll)},
			[]string{ssh + "blocked i-1=blocked (network ACL acl-1 lets in 192.0.2.0/24 only)"}},
		{"the group blocks what the ACL opens", []string{
			call(0, "CreateSecurityGroup", `{"groupName":"web","vpcId":"vpc-1"}`, `{"groupId":"sg-1"}`), instance, address,
			call(9, "CreateNetworkAclEntry", fmt.Sprintf(entry, 50, "allow", "0.0.0.0/0", 22, 22), `{"_return":true}`)},
			[]string{`{"Subnets":[{"SubnetId":"subnet-1","VpcId":"vpc-1","MapPublicIpOnLaunch":false}]}`, fmt.Sprintf(acls, `{"RuleNumber":50,"Protocol":"6","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0","PortRange":{"From":22,"To":22}}`)},
			[]string{"acl-1 tcp 22 (SSH) from 0.0.0.0/0: blocked i-1=blocked (no security group of the instance lets it in)"}},
		{"no public address", []string{opened, call(2, "RunInstances", `{"networkInterfaceSet":{"items":[{"deviceIndex":0,"associatePublicIpAddress":false}]}}`, launched)}, nil,
			[]string{ssh + "blocked i-1=blocked (the instance has no public address)"}},
		{"stopped", []string{opened, instance, address, call(4, "StopInstances", `{"instancesSet":{"items":[{"instanceId":"i-1"}]}}`, `{}`)}, nil,
			[]string{ssh + "blocked i-1=blocked (the instance is stopped)"}},
		{"terminated", []string{opened, instance, call(4, "TerminateInstances", `{"instancesSet":{"items":[{"instanceId":"i-1"}]}}`, `{}`)}, nil, []string{ssh + "unknown"}},
		{"revoked by permission", []string{opened, call(5, "RevokeSecurityGroupIngress", openSSH, `{"_return":true}`)}, nil, []string{ssh + "closed"}},
		{"revoked by ID", []string{opened, call(5, "RevokeSecurityGroupIngress", `{"groupId":"sg-1","securityGroupRuleIds":{"items":[{"securityGroupRuleId":"sgr-1"}]}}`, `{"_return":true}`)}, nil, []string{ssh + "closed"}},
		{"modified", []string{opened, call(5, "ModifySecurityGroupRules",
			`{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-1","SecurityGroupRule":{"tag":1,"SecurityGroupRuleId":"sgr-1","SecurityGroupRule":{"IpProtocol":"-1","CidrIpv6":"::/0"}}}}`, `{}`)}, nil,
			[]string{"sg-1 all traffic from ::/0: unknown", ssh + "closed"}},
		{"deleted", []string{opened, call(5, "DeleteSecurityGroup", `{"groupId":"sg-1"}`, `{"_return":true}`)}, nil, []string{ssh + "closed"}},
		{"not the world", []string{call(1, "AuthorizeSecurityGroupIngress", strings.Replace(openSSH, "0.0.0.0/0", "192.0.2.0/24", 1), "null")}, nil, nil},
		{"refused", []string{strings.Replace(opened, `"awsRegion"`, `"errorCode":"Client.UnauthorizedOperation","awsRegion"`, 1)}, nil, nil},
		{"what AWS describes closes what it does not name", []string{opened}, []string{`{"SecurityGroups":[{"GroupId":"sg-1","GroupName":"web","IpPermissions":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}]}`},
			[]string{"sg-1 tcp 443 from 0.0.0.0/0: unknown", ssh + "closed"}},
	} {
		m := of(c.records...)
		for _, f := range c.facts {
			if err := m.Describe([]byte(f), time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC), "", ""); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(c.want, lines(m)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// TestAnyOrder: the model is a function of the set of records.
func TestAnyOrder(t *testing.T) {
	records := []string{
		call(0, "CreateSecurityGroup", `{"groupName":"web","vpcId":"vpc-1"}`, `{"groupId":"sg-1"}`),
		call(1, "AuthorizeSecurityGroupIngress", openSSH, made),
		call(2, "RunInstances", run, launched),
		call(3, "AllocateAddress", `{}`, `{"allocationId":"eipalloc-1","publicIp":"203.0.113.9"}`),
		call(4, "AssociateAddress", `{"allocationId":"eipalloc-1","networkInterfaceId":"eni-1"}`, `{"associationId":"eipassoc-1"}`),
		call(5, "RevokeSecurityGroupIngress", openSSH, `{"_return":true}`),
		call(6, "AuthorizeSecurityGroupIngress", openSSH, strings.Replace(made, "sgr-1", "sgr-2", 1)),
		call(7, "ModifyNetworkInterfaceAttribute", `{"networkInterfaceId":"eni-1","groupSet":{"items":[{"groupId":"sg-2"}]}}`, `{}`),
		call(8, "DisassociateAddress", `{"associationId":"eipassoc-1"}`, `{}`),
		call(9, "AuthorizeSecurityGroupIngress", strings.Replace(openSSH, "sg-1", "sg-2", 1), "null"),
	}
	want := lines(of(records...))
	if len(want) != 3 {
		t.Fatalf("%q", want)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		shuffled := slices.Clone(records)
		rnd.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		shuffled = append(shuffled, shuffled[:rnd.IntN(len(shuffled))]...) // doubled
		if d := cmp.Diff(want, lines(of(shuffled...))); d != "" {
			t.Fatal(d)
		}
	}
}

func TestHostile(t *testing.T) {
	for _, r := range []string{
		"", "{", "[]", `"x"`, call(1, "AuthorizeSecurityGroupIngress", `[]`, `7`), call(1, "AuthorizeSecurityGroupIngress", `{"groupId":{"a":1},"ipPermissions":"x"}`, `{"securityGroupRuleSet":[[[]]]}`),
		call(1, "RunInstances", `null`, `{"instancesSet":{"items":[null,7,{"instanceId":"i-1","networkInterfaceSet":{"items":"x"}}]}}`),
		call(1, "CreateNetworkAclEntry", `{"networkAclId":"acl-1","ruleNumber":"1e9","portRange":7}`, `null`),
		call(1, "ModifySecurityGroupRules", `{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-1","SecurityGroupRule":[1,{"SecurityGroupRuleId":"x","SecurityGroupRule":null}]}}`, `null`),
	} {
		if got := lines(of(r)); got != nil {
			t.Errorf("%s: %q", r, got)
		}
	}
	m := of(call(1, "AuthorizeSecurityGroupIngress", openSSH, made))
	for i := range 3000 {
		m.Add([]byte(call(i%60, "AuthorizeSecurityGroupIngress", openSSH, strings.Replace(made, "sgr-1", fmt.Sprint("sgr-", i), 1))))
	}
	if n := len(m.Openings()); n != 2000 || m.Dropped == 0 {
		t.Errorf("%d openings, %d dropped", n, m.Dropped)
	}
	for _, doc := range []string{"", "[]", `{"Volumes":[]}`, `{"Reservations":`} {
		if err := m.Describe([]byte(doc), time.Now(), "", ""); err == nil {
			t.Errorf("%q: no error", doc)
		}
	}
}

// BenchmarkModel adds and judges 100,000 instances. The bound is 500 MB.
func BenchmarkModel(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		m := exposure.New()
		for i := range n {
			r := strings.NewReplacer("i-1", fmt.Sprintf("i-%017d", i), "eni-1", fmt.Sprintf("eni-%017d", i), "sg-1", fmt.Sprintf("sg-%d", i/100), "subnet-1", fmt.Sprintf("subnet-%d", i/500), "sgr-1", fmt.Sprintf("sgr-%d", i))
			m.Add([]byte(r.Replace(call(i%60, "RunInstances", run, launched))))
			if i%100 == 0 {
				m.Add([]byte(r.Replace(call(i%60, "AuthorizeSecurityGroupIngress", openSSH, made))))
			}
		}
		list := m.Openings()
		runtime.GC()
		runtime.ReadMemStats(&after)
		if len(list) != n/100 || len(list[0].Instances) != 100 {
			b.Fatal(len(list))
		}
		used := float64(after.HeapAlloc-before.HeapAlloc) / (1 << 20)
		b.ReportMetric(used, "MiB")
		if used > 500 {
			b.Errorf("%.0f MiB for %d instances", used, n)
		}
		runtime.KeepAlive(m)
	}
}
