package exposure

import "strconv"

func (m *Model) group(id string, r *record, vpc string) *group {
	g := of(m, m.groups, id, maxGroups)
	if g != nil {
		g.at(r.account, r.region, vpc)
	}
	return g
}

func (m *Model) createGroup(r *record) {
	g := m.group(r.response.at("groupId").text(), r, r.request.at("vpcId").text())
	if g == nil {
		return
	}
	g.Name, g.Created = r.request.first("groupName"), r.at
}

func (m *Model) deleteGroup(r *record) {
	if g := m.group(r.request.at("groupId").text(), r, ""); g != nil {
		g.Gone = r.at
	}
}

// rule returns the history of a rule, nil when there is no room.
func (m *Model) rule(g *group, key string) *history[Traffic] {
	if g.Rules == nil {
		g.Rules = map[string]*history[Traffic]{}
	}
	return of(m, g.Rules, key, maxRules)
}

// allow notes that a rule allows traffic from a change on. A rule without ID is known by
// its traffic.
func (m *Model) allow(g *group, id string, t Traffic, at *Change) {
	if id == "" {
		id = t.String()
	}
	if h := m.rule(g, id); h != nil {
		h.add(&t, at)
	}
}

// authorize takes the rules of the response, which has their IDs, or else the request.
func (m *Model) authorize(r *record) {
	made := r.response.at("securityGroupRuleSet").list()
	id := r.request.at("groupId").text()
	if id == "" && len(made) > 0 {
		id = made[0].at("groupId").text()
	}
	g := m.group(id, r, "")
	if g == nil {
		return
	}
	if g.Name == "" {
		g.Name = r.request.at("groupName").text()
	}
	for _, x := range made {
		if x.at("isEgress").text() != "true" {
			m.allow(g, x.at("securityGroupRuleId").text(), described(x), r.at)
		}
	}
	if len(made) == 0 {
		for _, t := range permissions(r.request) {
			m.allow(g, "", t, r.at)
		}
	}
}

// described returns the traffic of a rule as AWS describes it.
func described(x tree) Traffic {
	source := x.first("cidrIpv4", "cidrIpv6", "prefixListId")
	if source == "" {
		source = x.at("referencedGroupInfo").first("groupId")
	}
	if source == "" {
		source = x.first("referencedGroupId")
	}
	return traffic(x.at("ipProtocol").text(), x.at("fromPort").text(), x.at("toPort").text(), source)
}

// permissions returns the traffic of the permissions of a request, in all forms that AWS
// accepts.
func permissions(request tree) []Traffic {
	list := request.at("ipPermissions").list()
	if len(list) == 0 && request.at("ipProtocol").text() != "" {
		list = []tree{request}
	}
	var all []Traffic
	for _, p := range list {
		protocol, from, to := p.at("ipProtocol").text(), p.at("fromPort").text(), p.at("toPort").text()
		if cidr := p.first("cidrIp", "cidrIpv6"); cidr != "" {
			all = append(all, traffic(protocol, from, to, cidr))
		}
		for _, in := range [...]struct{ list, name string }{{"ipRanges", "cidrIp"}, {"ipv4Ranges", "cidrIp"}, {"ipv6Ranges", "cidrIpv6"}, {"prefixListIds", "prefixListId"}, {"groups", "groupId"}, {"userIdGroupPairs", "groupId"}} {
			for _, x := range p.at(in.list).list() {
				if source := x.at(in.name).text(); source != "" {
					all = append(all, traffic(protocol, from, to, source))
				}
			}
		}
	}
	return all
}

func (m *Model) revoke(r *record) {
	g := m.group(r.request.at("groupId").text(), r, "")
	if g == nil {
		return
	}
	ids := r.request.at("securityGroupRuleIds").list()
	for _, x := range ids {
		id := x.first("securityGroupRuleId")
		if id == "" {
			id = x.text()
		}
		if id == "" {
			continue
		}
		if h := m.rule(g, id); h != nil {
			h.add(nil, r.at)
		}
	}
	for _, t := range permissions(r.request) {
		m.close(g, t, r.at)
	}
}

// close notes that traffic was taken away from a group.
func (m *Model) close(g *group, t Traffic, at *Change) {
	if g.Closed == nil {
		g.Closed = map[string]*history[struct{}]{}
	}
	if h := of(m, g.Closed, t.String(), maxRules); h != nil {
		h.add(nil, at)
	}
}

func (m *Model) modifyRules(r *record) {
	request := r.request
	if inner := request.at("ModifySecurityGroupRulesRequest"); inner.v != nil {
		request = inner
	}
	g := m.group(request.at("GroupId").text(), r, "")
	if g == nil {
		return
	}
	for _, x := range request.at("SecurityGroupRule").list() {
		id, to := x.at("SecurityGroupRuleId").text(), x.at("SecurityGroupRule")
		if id == "" || to.v == nil {
			continue
		}
		if t := described(to); t.Source != "" {
			m.allow(g, id, t, r.at)
		}
	}
}

func (m *Model) acl(id string, r *record, vpc string) *acl {
	a := of(m, m.acls, id, maxGroups)
	if a != nil {
		a.at(r.account, r.region, vpc)
	}
	return a
}

func (m *Model) createACL(r *record) {
	made := r.response.at("networkAcl")
	if a := m.acl(made.at("networkAclId").text(), r, made.at("vpcId").text()); a != nil {
		a.Created = r.at
	}
}

func (m *Model) deleteACL(r *record) {
	if a := m.acl(r.request.at("networkAclId").text(), r, ""); a != nil {
		a.Gone = r.at
	}
}

// number returns the history of an ACL's entry, nil when there is no room.
func (m *Model) number(a *acl, n string) *history[entry] {
	if _, err := strconv.Atoi(n); err != nil {
		return nil
	}
	if a.Entries == nil {
		a.Entries = map[string]*history[entry]{}
	}
	return of(m, a.Entries, n, maxRules)
}

func (m *Model) putEntry(r *record) {
	a := m.acl(r.request.at("networkAclId").text(), r, "")
	if a == nil || r.request.at("egress").text() == "true" {
		return
	}
	if h := m.number(a, r.request.at("ruleNumber").text()); h != nil {
		h.add(entryOf(r.request), r.at)
	}
}

func entryOf(x tree) *entry {
	ports := x.at("portRange")
	return &entry{
		Traffic: traffic(x.first("aclProtocol", "protocol"), ports.at("from").text(), ports.at("to").text(), x.first("cidrBlock", "ipv6CidrBlock")),
		Allow:   x.at("ruleAction").text() == "allow",
	}
}

func (m *Model) deleteEntry(r *record) {
	a := m.acl(r.request.at("networkAclId").text(), r, "")
	if a == nil || r.request.at("egress").text() == "true" {
		return
	}
	if h := m.number(a, r.request.at("ruleNumber").text()); h != nil {
		h.add(nil, r.at)
	}
}

func (m *Model) subnet(id string, r *record, vpc string) *subnet {
	s := of(m, m.subnets, id, maxOthers)
	if s != nil {
		s.at(r.account, r.region, vpc)
	}
	return s
}

func (m *Model) createSubnet(r *record) {
	made := r.response.at("subnet")
	s := m.subnet(made.at("subnetId").text(), r, made.at("vpcId").text())
	if public := made.at("mapPublicIpOnLaunch").text(); s != nil && public != "" {
		s.Public.set(public == "true", r.at)
	}
}

func (m *Model) modifySubnet(r *record) {
	s := m.subnet(r.request.at("subnetId").text(), r, "")
	if public := r.request.at("mapPublicIpOnLaunch").text(); s != nil && public != "" {
		s.Public.set(public == "true", r.at)
	}
}
