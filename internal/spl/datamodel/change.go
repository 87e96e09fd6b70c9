package datamodel

import "slices"

// change is what somebody changed, or tried to.
func change() *Model {
	const (
		root     = "All_Changes"
		accounts = "Account_Management"
		endpoint = "Endpoint_Changes"
	)
	return &Model{Name: "Change", Filled: true, Datasets: []Dataset{
		{Name: root, Search: `tag=change`, Fields: slices.Concat(
			filled("action", "change_type", "command", "dest", "dvc", "object", "object_category", "object_id", "object_path", "result", "result_id", "src", "status", "user"),
			plain("app", "object_attrs", "reason", "region", "signature", "src_ip", "src_user", "tag", "user_agent", "user_id", "user_name", "user_role", "user_type", "vendor_account", "vendor_product", "vendor_region"))},
		{Name: "Auditing_Changes", Parent: root, Search: `tag=audit OR change_type=auditing`},
		{Name: endpoint, Parent: root, Search: `tag=endpoint`},
		{Name: "Endpoint_Restarts", Parent: endpoint, Search: `action=restarted OR action=started`},
		{Name: "Other_Endpoint_Changes", Parent: endpoint, Search: `NOT action=restarted NOT action=started`},
		{Name: "Network_Changes", Parent: root, Search: `tag=network`,
			Fields: plain("dest_ip_range", "dest_port_range", "direction", "protocol", "rule_action", "src_ip_range", "src_port_range")},
		{Name: accounts, Parent: root, Search: `tag=account`, Fields: plain("src_user_id", "src_user_name", "src_user_role", "src_user_type")},
		{Name: "Accounts_Created", Parent: accounts, Search: `action=created`},
		{Name: "Accounts_Deleted", Parent: accounts, Search: `action=deleted`},
		{Name: "Account_Lockouts", Parent: accounts, Search: `action=lockout`},
		{Name: "Accounts_Updated", Parent: accounts, Search: `action=modified`},
		{Name: "Instance_Changes", Parent: root, Search: `tag=instance`, Fields: plain("image_id", "instance_type")},
	}}
}
