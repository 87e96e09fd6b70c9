package exposure

import (
	"errors"
	"time"
)

// ErrNoFacts is the error of a document that describes nothing that matters here.
var ErrNoFacts = errors.New("it has none of Reservations, SecurityGroups, NetworkAcls, Subnets, NetworkInterfaces, Addresses")

// Describe adds what AWS described at a time: the JSON of DescribeInstances,
// DescribeSecurityGroups, DescribeNetworkAcls, DescribeSubnets, DescribeNetworkInterfaces
// or DescribeAddresses, as `aws ec2 describe-…` prints it. Add the records first: what the
// description does not name was closed by then.
func (m *Model) Describe(doc []byte, at time.Time, account, region string) error {
	var v any
	if err := decode(doc, &v); err != nil {
		return err
	}
	top := tree{v}
	r := &record{at: &Change{Time: at.UTC(), Event: Described}, account: account, region: region}
	n := 0
	each := func(name string, of tree, take func(tree)) {
		list := of.at(name).list()
		if of.at(name).v != nil {
			n++
		}
		for _, x := range list {
			take(x)
		}
	}
	each("Reservations", top, func(x tree) {
		owner := *r
		owner.account = x.first("OwnerId")
		each("Instances", x, func(x tree) { m.describeInstance(x, &owner) })
	})
	each("SecurityGroups", top, func(x tree) { m.describeGroup(x, r) })
	each("NetworkAcls", top, func(x tree) { m.describeACL(x, r) })
	each("Subnets", top, func(x tree) {
		s := m.subnet(x.at("SubnetId").text(), owned(x, r), x.at("VpcId").text())
		if public := x.at("MapPublicIpOnLaunch").text(); s != nil && public != "" {
			s.Public.set(public == "true", r.at)
		}
	})
	each("NetworkInterfaces", top, func(x tree) { m.card(x, x.at("Attachment", "InstanceId").text(), owned(x, r), x.at("VpcId").text()) })
	each("Addresses", top, func(x tree) {
		a := m.address(x.first("AllocationId", "PublicIp"))
		if a != nil {
			a.IP = x.at("PublicIp").text()
			a.Holder.set(x.first("NetworkInterfaceId", "InstanceId"), r.at)
		}
	})
	if n == 0 {
		return ErrNoFacts
	}
	return nil
}

// owned returns r with the account that owns a described thing.
func owned(x tree, r *record) *record {
	if owner := x.at("OwnerId").text(); owner != "" {
		c := *r
		c.account = owner
		return &c
	}
	return r
}

func (m *Model) describeInstance(x tree, r *record) {
	vpc := x.at("VpcId").text()
	id := x.at("InstanceId").text()
	i := m.instance(id, r, vpc)
	if i == nil {
		return
	}
	i.Type = x.at("InstanceType").text()
	switch state := x.at("State", "Name").text(); state {
	case running, stopped, terminated:
		i.State.set(state, r.at)
	case "pending":
		i.State.set(running, r.at)
	case "stopping", "shutting-down":
		i.State.set(stopped, r.at)
	}
	if s := x.at("SubnetId").text(); s != "" {
		i.Subnet.set(s, r.at)
		m.subnet(s, r, vpc)
	}
	if ids := groupIDs(x.at("SecurityGroups")); ids != nil {
		i.Groups.set(ids, r.at)
	}
	i.Public.set(x.at("PublicIpAddress").text(), r.at)
	for _, y := range x.at("NetworkInterfaces").list() {
		m.card(y, id, r, vpc)
	}
}

func (m *Model) describeGroup(x tree, r *record) {
	g := m.group(x.at("GroupId").text(), owned(x, r), x.at("VpcId").text())
	if g == nil {
		return
	}
	g.Name = x.at("GroupName").text()
	if r.at.after(g.Whole) {
		g.Whole = r.at
	}
	listed := permissions(x)
	there := map[string]bool{}
	for _, t := range listed {
		there[t.String()] = true
	}
	for _, h := range g.Rules {
		if t := h.now(); t != nil {
			if there[t.String()] {
				delete(there, t.String())
			} else {
				h.add(nil, r.at)
			}
		}
	}
	for _, t := range listed {
		if there[t.String()] {
			m.allow(g, "", t, r.at)
		}
	}
}

func (m *Model) describeACL(x tree, r *record) {
	id := x.at("NetworkAclId").text()
	a := m.acl(id, owned(x, r), x.at("VpcId").text())
	if a == nil {
		return
	}
	if r.at.after(a.Whole) {
		a.Whole = r.at
	}
	there := map[string]bool{}
	for _, y := range x.at("Entries").list() {
		n := y.at("RuleNumber").text()
		if y.at("Egress").text() == "true" || n == "32767" || n == "32768" { // what AWS adds: deny the rest
			continue
		}
		there[n] = true
		h := m.number(a, n)
		if h == nil {
			continue
		}
		if e := entryOf(y); h.now() == nil || *h.now() != *e {
			h.add(e, r.at)
		}
	}
	for n, h := range a.Entries {
		if !there[n] && h.now() != nil {
			h.add(nil, r.at)
		}
	}
	for _, y := range x.at("Associations").list() {
		if s := m.subnet(y.at("SubnetId").text(), owned(x, r), x.at("VpcId").text()); s != nil {
			s.ACL.set(id, r.at)
		}
	}
}
