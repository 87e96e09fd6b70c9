package datamodel

import "slices"

// authentication is sign-ins and the taking on of roles.
func authentication() *Model {
	const (
		failed     = `action=failure`
		successful = `action=success`
		root       = "Authentication"
	)
	return &Model{Name: "Authentication", Filled: true, Datasets: []Dataset{
		{Name: root, Search: `tag=authentication`, Fields: slices.Concat(
			filled("action", "app", "dest", "src", "src_user", "user"),
			plain("authentication_method", "authentication_service", "command", "dvc", "duration", "reason", "region", "response_time", "session_id", "signature", "signature_id", "src_ip", "src_user_id",
				"src_user_role", "src_user_type", "status", "tag", "user_agent", "user_id", "user_name", "user_role", "user_type", "vendor_account", "vendor_product", "vendor_region"))},
		{Name: "Failed_Authentication", Parent: root, Search: failed},
		{Name: "Successful_Authentication", Parent: root, Search: successful},
		{Name: "Default_Authentication", Parent: root, Search: `tag=default`},
		{Name: "Failed_Default_Authentication", Parent: "Default_Authentication", Search: failed},
		{Name: "Successful_Default_Authentication", Parent: "Default_Authentication", Search: successful},
		{Name: "Insecure_Authentication", Parent: root, Search: `tag=cleartext OR tag=insecure`},
		{Name: "Privileged_Authentication", Parent: root, Search: `tag=privileged`},
		{Name: "Failed_Privileged_Authentication", Parent: "Privileged_Authentication", Search: failed},
		{Name: "Successful_Privileged_Authentication", Parent: "Privileged_Authentication", Search: successful},
	}}
}
