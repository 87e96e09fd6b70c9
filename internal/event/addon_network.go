package event

import "strings"

// networkFields describe the rules of security groups and network ACLs.
func networkFields() []Derived {
	const (
		perms     = "requestParameters.ipPermissions.items{}."
		aclProto  = "requestParameters.aclProtocol"
		aclBlock  = "requestParameters.cidrBlock"
		aclEgress = "requestParameters.egress"
		aclFrom   = "requestParameters.portRange.from"
		aclTo     = "requestParameters.portRange.to"
		// A call for a single rule may have it without a list.
		flat = "requestParameters."
	)
	ranges := []string{"eventName", aclEgress, perms + "ipRanges.items{}.cidrIp", perms + "ipv6Ranges.items{}.cidrIpv6", aclBlock, flat + "cidrIp"}
	ports := []string{"eventName", aclEgress, perms + "fromPort", perms + "toPort", aclFrom, aclTo, flat + "fromPort", flat + "toPort"}
	side := func(inbound bool, compute func(in inputs) Cell) func(in inputs) Cell {
		return func(in inputs) Cell {
			if d := direction(in); d == "" || inbound != (d == "Inbound") {
				return Cell{}
			}
			return compute(in[2:])
		}
	}
	return []Derived{
		{Name: "protocol", Inputs: []string{perms + "ipProtocol", aclProto, flat + "ipProtocol"}, compute: firstSet, Doc: "The protocol of the rule: a name, or a number as the API has it."},
		{Name: "direction", Inputs: []string{"eventName", aclEgress}, compute: func(in inputs) Cell {
			if d := direction(in); d != "" {
				return one(d)
			}
			return Cell{}
		}, Doc: "`Inbound` or `Outbound` for rules of security groups and network ACLs."},
		{Name: "src_ip_range", Inputs: ranges, compute: side(true, firstSet), Doc: "The addresses that an inbound rule is for."},
		{Name: "dest_ip_range", Inputs: ranges, compute: side(false, firstSet), Doc: "The addresses that an outbound rule is for."},
		{Name: "dest_port_range", Inputs: ports, compute: side(true, portRange), Doc: "The ports that an inbound rule opens: `from-to`."},
		{Name: "src_port_range", Inputs: ports, compute: side(false, portRange), Doc: "The ports that an outbound rule is for: `from-to`."},
	}
}

// direction reads eventName, egress.
func direction(in inputs) string {
	name := in.text(0)
	switch {
	case strings.HasSuffix(name, "SecurityGroupIngress"):
		return "Inbound"
	case strings.HasSuffix(name, "SecurityGroupEgress"):
		return "Outbound"
	case strings.HasSuffix(name, "NetworkAclEntry") && in.text(1) == "true":
		return "Outbound"
	case strings.HasSuffix(name, "NetworkAclEntry") && in.text(1) == "false":
		return "Inbound"
	}
	return ""
}

// portRange reads pairs of a first and a last port; the first pair that is
// there counts.
func portRange(in inputs) Cell {
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
