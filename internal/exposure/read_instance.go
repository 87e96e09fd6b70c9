package exposure

import "slices"

// groupIDs returns the IDs of the groups in a list.
func groupIDs(list tree) []string {
	var ids []string
	for _, x := range list.list() {
		if id := x.first("groupId"); id != "" {
			ids = append(ids, id)
		} else if id := x.text(); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func (m *Model) instance(id string, r *record, vpc string) *instance {
	i := of(m, m.instances, id, maxInstances)
	if i != nil {
		i.at(r.account, r.region, vpc)
	}
	return i
}

func (m *Model) nic(id string, r *record, vpc string) *nic {
	n := of(m, m.interfaces, id, maxOthers)
	if n != nil {
		n.at(r.account, r.region, vpc)
	}
	return n
}

func (m *Model) run(r *record) {
	public := "" // what the request says of public addresses
	for _, x := range r.request.at("networkInterfaceSet").list() {
		if s := x.at("associatePublicIpAddress").text(); s != "" && x.first("deviceIndex") != "1" {
			public = s
		}
	}
	for _, x := range r.response.at("instancesSet").list() {
		vpc := x.at("vpcId").text()
		i := m.instance(x.at("instanceId").text(), r, vpc)
		if i == nil {
			continue
		}
		i.Type, i.Launched = x.at("instanceType").text(), r.at
		i.State.set(running, r.at)
		if s := x.at("subnetId").text(); s != "" {
			i.Subnet.set(s, r.at)
			m.subnet(s, r, vpc)
		}
		if ids := groupIDs(x.at("groupSet")); ids != nil {
			i.Groups.set(ids, r.at)
		}
		switch ip := x.first("ipAddress", "publicIpAddress"); {
		case ip != "":
			i.Public.set(ip, r.at)
		case public == "true":
			i.Public.set(asked, r.at)
		case public == "false":
			i.Public.set("", r.at)
		}
		for _, y := range x.at("networkInterfaceSet").list() {
			m.card(y, x.at("instanceId").text(), r, vpc)
		}
	}
}

// card takes an interface of an instance as AWS describes it.
func (m *Model) card(x tree, instance string, r *record, vpc string) {
	n := m.nic(x.at("networkInterfaceId").text(), r, vpc)
	if n == nil {
		return
	}
	n.Subnet, n.Primary = x.at("subnetId").text(), x.at("attachment", "deviceIndex").text() == "0"
	if instance != "" {
		n.Instance.set(instance, r.at)
	}
	groups := x.at("groupSet")
	if groups.v == nil {
		groups = x.at("groups")
	}
	if ids := groupIDs(groups); ids != nil {
		n.Groups.set(ids, r.at)
	}
	if ip := x.at("association", "publicIp").text(); ip != "" {
		n.Public.set(ip, r.at)
	}
}

// States of instances.
const (
	running    = "running"
	stopped    = "stopped"
	terminated = "terminated"
)

func (m *Model) turn(r *record) {
	to := map[string]string{"StartInstances": running, "StopInstances": stopped, "TerminateInstances": terminated}[r.EventName]
	for _, x := range r.request.at("instancesSet").list() {
		if i := m.instance(x.at("instanceId").text(), r, ""); i != nil {
			i.State.set(to, r.at)
		}
	}
}

func (m *Model) modifyInstance(r *record) {
	i := m.instance(r.request.at("instanceId").text(), r, "")
	if ids := groupIDs(r.request.at("groupSet")); i != nil && ids != nil {
		i.Groups.set(ids, r.at)
	}
}

func (m *Model) createInterface(r *record) {
	x := r.response.at("networkInterface")
	m.card(x, "", r, x.at("vpcId").text())
}

func (m *Model) attach(r *record) {
	if n := m.nic(r.request.at("networkInterfaceId").text(), r, ""); n != nil {
		n.Instance.set(r.request.at("instanceId").text(), r.at)
	}
}

func (m *Model) modifyInterface(r *record) {
	n := m.nic(r.request.at("networkInterfaceId").text(), r, "")
	if ids := groupIDs(r.request.at("groupSet")); n != nil && ids != nil {
		n.Groups.set(ids, r.at)
	}
}

func (m *Model) address(key string) *address { return of(m, m.addresses, key, maxOthers) }

func (m *Model) allocate(r *record) {
	ip := r.response.at("publicIp").text()
	if a := m.address(r.response.first("allocationId", "publicIp")); a != nil {
		a.IP = ip
	}
}

func (m *Model) associate(r *record) {
	key := r.request.first("allocationId", "publicIp")
	a := m.address(key)
	if a == nil {
		return
	}
	if ip := r.request.at("publicIp").text(); ip != "" {
		a.IP = ip
	}
	a.Holder.set(r.request.first("networkInterfaceId", "instanceId"), r.at)
	if id := r.response.at("associationId").text(); id != "" && len(m.associations) < maxOthers {
		m.associations[id] = key
	}
}

func (m *Model) disassociate(r *record) {
	id := r.request.at("associationId").text()
	key := m.associations[id]
	if key == "" {
		key = r.request.at("publicIp").text()
	}
	if key == "" {
		if id != "" && len(m.released) < maxOthers {
			m.released[id] = r.at // the association may come later
		}
		return
	}
	if a := m.address(key); a != nil {
		a.Holder.set("", r.at)
	}
}

// link gathers what belongs to each instance.
func (m *Model) link() {
	for id, key := range m.associations {
		if at := m.released[id]; at != nil {
			m.addresses[key].Holder.set("", at)
		}
	}
	for _, i := range m.instances {
		i.nics = i.nics[:0]
	}
	for id, n := range m.interfaces {
		if i := m.instances[n.Instance.Value]; i != nil {
			i.nics = append(i.nics, id)
		}
	}
	for _, i := range m.instances {
		slices.Sort(i.nics)
	}
}
