package event

import "strings"

func init() { Register(group(GroupAddon, networkFields())...) }

// networkFields describe the rules of security groups and network ACLs.
func networkFields() []Field {
	const (
		perms     = "requestParameters.ipPermissions.items{}."
		aclProto  = "requestParameters.aclProtocol"
		aclBlock  = "requestParameters.cidrBlock"
		aclEgress = "requestParameters.egress"
		aclFrom   = "requestParameters.portRange.from"
		aclTo     = "requestParameters.portRange.to"
		// A call for a single rule may have no list.
		flat = "requestParameters."
	)
	ranges := []string{"eventName", aclEgress, perms + "ipRanges.items{}.cidrIp", perms + "ipv6Ranges.items{}.cidrIpv6", aclBlock, flat + "cidrIp"}
	ports := []string{"eventName", aclEgress, perms + "fromPort", perms + "toPort", aclFrom, aclTo, flat + "fromPort", flat + "toPort"}
	side := func(inbound bool, derive func(in Inputs) Cell) func(in Inputs) Cell {
		return func(in Inputs) Cell {
			if d := direction(in); d == "" || inbound != (d == "Inbound") {
				return Cell{}
			}
			return derive(in[2:])
		}
	}
	return []Field{
		{Name: "protocol", From: []string{perms + "ipProtocol", aclProto, flat + "ipProtocol"}, Derive: firstSet, Doc: "The protocol of the rule: a name, or a number as in the API."},
		{Name: "direction", From: []string{"eventName", aclEgress}, Derive: func(in Inputs) Cell {
			if d := direction(in); d != "" {
				return one(d)
			}
			return Cell{}
		}, Doc: "`Inbound` or `Outbound` for rules of security groups and network ACLs."},
		{Name: "src_ip_range", Type: Network, From: ranges, Derive: side(true, firstSet), Doc: "The addresses that an inbound rule applies to."},
		{Name: "dest_ip_range", Type: Network, From: ranges, Derive: side(false, firstSet), Doc: "The addresses that an outbound rule applies to."},
		{Name: "dest_port_range", From: ports, Derive: side(true, portRange), Doc: "The ports that an inbound rule opens: `from-to`."},
		{Name: "src_port_range", From: ports, Derive: side(false, portRange), Doc: "The ports that an outbound rule applies to: `from-to`."},
	}
}

// direction reads eventName, egress.
func direction(in Inputs) string {
	name := in.Text(0)
	switch {
	case strings.HasSuffix(name, "SecurityGroupIngress"):
		return "Inbound"
	case strings.HasSuffix(name, "SecurityGroupEgress"):
		return "Outbound"
	case strings.HasSuffix(name, "NetworkAclEntry") && in.Text(1) == "true":
		return "Outbound"
	case strings.HasSuffix(name, "NetworkAclEntry") && in.Text(1) == "false":
		return "Inbound"
	}
	return ""
}

// portRange reads pairs of a first and a last port and returns the first pair
// that is present.
func portRange(in Inputs) Cell {
	from, to := in[0], in[1]
	for in = in[2:]; !from.Set && len(in) > 1; in = in[2:] {
		from, to = in[0], in[1]
	}
	if !from.Set || !to.Set {
		return Cell{}
	}
	froms, tos := from.values(), to.values()
	var list []string
	for i := range min(len(froms), len(tos)) {
		list = append(list, froms[i]+"-"+tos[i])
	}
	return join(list...)
}
