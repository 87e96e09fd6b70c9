package datamodel

import "slices"

// unfilled are the models of the Common Information Model that say nothing of
// CloudTrail. What they are made of are the tags by which the model knows its
// events.
func unfilled() []*Model {
	identity := func(more ...string) []Field { return filled(append(more, "dest", "src", "user")...) }
	return []*Model{
		{Name: "Alerts", Datasets: []Dataset{
			{Name: "Alerts", Search: "tag=alert", Fields: slices.Concat(identity("app", "severity", "signature", "type", "vendor_account", "vendor_region"), plain("body", "description", "id", "mitre_technique_id", "severity_id", "signature_id", "src_type", "dest_type", "subject", "tag", "user_name", "vendor_product"))},
		}},
		{Name: "Application_State", Datasets: []Dataset{
			{Name: "All_Application_State", Search: "(tag=listening tag=port) OR (tag=process tag=report) OR (tag=service tag=report)", Fields: slices.Concat(filled("dest", "process", "user"), plain("process_id", "tag"))},
			{Name: "Ports", Parent: "All_Application_State", Search: "tag=listening tag=port", Fields: slices.Concat(filled("transport"), plain("dest_port", "transport_dest_port"))},
			{Name: "Processes", Parent: "All_Application_State", Search: "tag=process tag=report", Fields: plain("cpu_load_mhz", "cpu_load_percent", "cpu_time", "mem_used")},
			{Name: "Services", Parent: "All_Application_State", Search: "tag=service tag=report", Fields: filled("service", "service_id", "start_mode", "status")},
		}},
		{Name: "Certificates", Datasets: []Dataset{
			{Name: "All_Certificates", Search: "tag=certificate", Fields: slices.Concat(filled("dest", "src", "transport"), plain("dest_port", "duration", "response_time", "src_port", "tag"))},
			{Name: "SSL", Parent: "All_Certificates", Search: "tag=ssl OR tag=tls", Fields: slices.Concat(filled("ssl_issuer", "ssl_subject"), plain("ssl_end_time", "ssl_engine", "ssl_hash", "ssl_is_valid", "ssl_issuer_common_name", "ssl_issuer_email", "ssl_issuer_organization", "ssl_name", "ssl_policies", "ssl_publickey", "ssl_publickey_algorithm", "ssl_serial", "ssl_session_id", "ssl_signature_algorithm", "ssl_start_time", "ssl_subject_common_name", "ssl_subject_email", "ssl_subject_organization", "ssl_validity_window", "ssl_version"))},
		}},
		{Name: "Compute_Inventory", Datasets: []Dataset{
			{Name: "All_Inventory", Search: "tag=inventory (tag=cpu OR tag=memory OR tag=network OR tag=storage OR (tag=system tag=version) OR tag=user OR tag=virtual)", Fields: slices.Concat(filled("dest", "vendor_product"), plain("description", "enabled", "family", "hypervisor_id", "serial", "status", "tag", "version"))},
			{Name: "CPU", Parent: "All_Inventory", Search: "tag=cpu", Fields: plain("cpu_cores", "cpu_count", "cpu_mhz")},
			{Name: "Memory", Parent: "All_Inventory", Search: "tag=memory", Fields: plain("mem")},
			{Name: "Network", Parent: "All_Inventory", Search: "tag=network", Fields: plain("dns", "inline_nat", "interface", "ip", "lb_method", "mac", "name", "node", "node_port", "src_ip", "vip_port")},
			{Name: "OS", Parent: "All_Inventory", Search: "tag=system tag=version", Fields: filled("os")},
			{Name: "Storage", Parent: "All_Inventory", Search: "tag=storage", Fields: plain("array", "blocksize", "cluster", "fd_max", "latency", "mount", "parent", "storage")},
			{Name: "User", Parent: "All_Inventory", Search: "tag=user", Fields: slices.Concat(filled("user"), plain("interactive", "password", "shell", "user_id"))},
			{Name: "Virtual_OS", Parent: "All_Inventory", Search: "tag=virtual", Fields: plain("hypervisor")},
		}},
		{Name: "DLP", Datasets: []Dataset{
			{Name: "DLP_Incidents", Search: "tag=dlp tag=incident", Fields: slices.Concat(identity("action", "app", "category", "dvc", "object", "severity", "signature", "src_user"), plain("dest_zone", "dlp_type", "object_category", "object_path", "severity_id", "signature_id", "src_zone", "tag", "vendor_product"))},
		}},
		{Name: "Data_Access", Datasets: []Dataset{
			{Name: "Data_Access", Search: "tag=data tag=access", Fields: slices.Concat(identity("action", "app", "dvc", "object", "object_category"), plain("app_id", "email", "object_attrs", "object_id", "object_path", "object_size", "owner", "owner_email", "owner_id", "parent_object", "parent_object_category", "parent_object_id", "tag", "tenant_id", "user_agent", "user_group", "user_id", "user_name", "user_role", "vendor_account", "vendor_product", "vendor_product_id"))},
		}},
		{Name: "Databases", Datasets: []Dataset{
			{Name: "All_Databases", Search: "tag=database", Fields: slices.Concat(identity("object"), plain("duration", "response_time", "tag", "vendor_product"))},
			{Name: "Database_Instance", Parent: "All_Databases", Search: "tag=instance", Fields: plain("instance_name", "instance_version", "process_limit", "session_limit")},
			{Name: "Database_Query", Parent: "All_Databases", Search: "tag=query", Fields: plain("query", "query_id", "query_time", "records_affected")},
			{Name: "Session_Info", Parent: "Database_Instance", Search: "tag=session", Fields: plain("buffer_cache_hit_ratio", "commits", "cpu_used", "cursor", "elapsed_time", "logical_reads", "machine", "memory_sorts", "physical_reads", "seconds_in_wait", "session_id", "session_status", "table_scans", "wait_state", "wait_time")},
		}},
		{Name: "Email", Datasets: []Dataset{
			{Name: "All_Email", Search: "tag=email", Fields: slices.Concat(filled("action", "dest", "internal_message_id", "message_id", "orig_dest", "orig_recipient", "orig_src", "protocol", "recipient", "src", "src_user"), plain("delay", "duration", "file_hash", "file_name", "file_size", "message_info", "process", "process_id", "recipient_count", "recipient_domain", "recipient_status", "response_time", "retries", "return_addr", "size", "src_user_domain", "status_code", "subject", "tag", "url", "user", "user_id", "vendor_product", "xdelay", "xref"))},
			{Name: "Content", Parent: "All_Email", Search: "tag=content"},
			{Name: "Delivery", Parent: "All_Email", Search: "tag=delivery"},
			{Name: "Filtering", Parent: "All_Email", Search: "tag=filter", Fields: plain("filter_action", "filter_score", "signature", "signature_extra", "signature_id")},
		}},
		{Name: "Endpoint", Datasets: []Dataset{
			{Name: "Ports", Search: "tag=listening tag=port", Fields: slices.Concat(filled("creation_time", "dest", "process_guid", "process_id", "src", "state", "transport", "user"), plain("dest_port", "src_port", "tag", "transport_dest_port", "vendor_product"))},
			{Name: "Processes", Search: "tag=process tag=report", Fields: slices.Concat(filled("action", "dest", "os", "original_file_name", "parent_process", "parent_process_exec", "parent_process_guid", "parent_process_id", "parent_process_name", "parent_process_path", "process", "process_current_directory", "process_exec", "process_guid", "process_hash", "process_id", "process_integrity_level", "process_name", "process_path", "user", "user_id", "vendor_product"), plain("cpu_load_percent", "loaded_file", "loaded_modules", "mem_used", "tag"))},
			{Name: "Services", Search: "tag=service tag=report", Fields: slices.Concat(filled("dest", "process_guid", "process_id", "service", "service_dll", "service_dll_path", "service_exec", "service_hash", "service_id", "service_name", "service_path", "service_signature_exists", "service_signature_verified", "start_mode", "status", "user", "vendor_product"), plain("description", "service_dll_hash", "service_dll_signature_exists", "service_dll_signature_verified", "tag"))},
			{Name: "Filesystem", Search: "tag=endpoint tag=filesystem", Fields: slices.Concat(filled("action", "dest", "file_access_time", "file_acl", "file_create_time", "file_hash", "file_modify_time", "file_name", "file_path", "file_size", "process_guid", "process_id", "user", "vendor_product"), plain("tag"))},
			{Name: "Registry", Search: "tag=endpoint tag=registry", Fields: slices.Concat(filled("action", "dest", "process_guid", "process_id", "registry_hive", "registry_key_name", "registry_path", "registry_value_data", "registry_value_name", "registry_value_text", "registry_value_type", "status", "user", "vendor_product"), plain("tag"))},
		}},
		{Name: "Event_Signatures", Datasets: []Dataset{
			{Name: "Signatures", Search: "tag=track_event_signatures (signature=* OR signature_id=*)", Fields: slices.Concat(filled("dest", "signature", "signature_id"), plain("tag", "vendor_product"))},
		}},
		{Name: "Incident_Management", Datasets: []Dataset{
			{Name: "Notable_Events", Search: "index=notable", Fields: plain("dest", "governance", "owner", "priority", "rule_name", "search_name", "security_domain", "severity", "src", "status", "status_group", "tag", "urgency", "user")},
		}},
		{Name: "Interprocess_Messaging", Datasets: []Dataset{
			{Name: "All_Interprocess_Messaging", Search: "tag=messaging", Fields: slices.Concat(filled("dest"), plain("duration", "endpoint", "endpoint_version", "message", "message_consumed_time", "message_correlation_id", "message_delivered_time", "message_delivery_mode", "message_expiration_time", "message_id", "message_priority", "message_properties", "message_received_time", "message_redelivered", "message_reply_dest", "message_type", "parameters", "payload", "payload_type", "request_payload", "response_code", "response_payload_type", "response_time", "return_message", "rpc_protocol", "status", "tag"))},
		}},
		{Name: "Intrusion_Detection", Datasets: []Dataset{
			{Name: "IDS_Attacks", Search: "tag=ids tag=attack", Fields: slices.Concat(identity("action", "category", "dvc", "ids_type", "severity", "signature", "transport"), plain("dest_port", "file_hash", "file_name", "file_path", "severity_id", "signature_id", "src_port", "tag", "vendor_product"))},
			{Name: "Application_Intrusion_Detection", Parent: "IDS_Attacks", Search: "ids_type=application"},
			{Name: "Host_Intrusion_Detection", Parent: "IDS_Attacks", Search: "ids_type=host"},
			{Name: "Network_Intrusion_Detection", Parent: "IDS_Attacks", Search: "ids_type=network"},
		}},
		{Name: "JVM", Datasets: []Dataset{
			{Name: "JVM", Search: "tag=jvm", Fields: plain("jvm_description", "tag")},
			{Name: "Memory", Parent: "JVM", Search: "tag=memory", Fields: plain("heap_committed", "heap_initial", "heap_max", "heap_used", "non_heap_committed", "non_heap_initial", "non_heap_max", "non_heap_used", "objects_pending")},
			{Name: "Runtime", Parent: "JVM", Search: "tag=runtime", Fields: plain("process_name", "start_time", "uptime", "vendor_product", "version")},
			{Name: "Threading", Parent: "JVM", Search: "tag=threading", Fields: plain("cm_enabled", "cm_supported", "cpu_time", "current_cpu_time", "current_user_time", "daemon_thread_count", "peak_thread_count", "thread_count", "threads_started")},
		}},
		{Name: "Malware", Datasets: []Dataset{
			{Name: "Malware_Attacks", Search: "tag=malware tag=attack", Fields: slices.Concat(identity("action", "category", "file_hash", "file_name", "file_path", "signature"), plain("date", "dest_nt_domain", "sender", "severity", "severity_id", "signature_id", "src_user", "tag", "url", "vendor_product"))},
			{Name: "Allowed_Malware", Parent: "Malware_Attacks", Search: "action=allowed"},
			{Name: "Blocked_Malware", Parent: "Malware_Attacks", Search: "action=blocked"},
			{Name: "Quarantined_Malware", Parent: "Malware_Attacks", Search: "action=deferred"},
			{Name: "Malware_Operations", Search: "tag=malware tag=operations", Fields: slices.Concat(filled("dest", "product_version", "signature_version"), plain("dest_nt_domain", "tag", "vendor_product"))},
		}},
		{Name: "Network_Resolution", Datasets: []Dataset{
			{Name: "DNS", Search: "tag=network tag=resolution tag=dns", Fields: slices.Concat(filled("answer", "dest", "message_type", "name", "query", "query_type", "record_type", "reply_code", "src", "transport"), plain("additional_answer_count", "answer_count", "authority_answer_count", "dest_port", "duration", "query_count", "reply_code_id", "response_time", "src_port", "tag", "transaction_id", "ttl", "vendor_product"))},
		}},
		{Name: "Network_Sessions", Datasets: []Dataset{
			{Name: "All_Sessions", Search: "tag=network tag=session", Fields: slices.Concat(filled("action", "dest_ip", "dest_mac", "src_ip", "user"), plain("dest_dns", "dest_nt_host", "duration", "response_time", "signature", "signature_id", "src_dns", "src_mac", "src_nt_host", "tag", "vendor_product"))},
			{Name: "DHCP", Parent: "All_Sessions", Search: "tag=dhcp", Fields: plain("lease_duration", "lease_scope")},
			{Name: "Session_End", Parent: "All_Sessions", Search: "tag=end"},
			{Name: "Session_Start", Parent: "All_Sessions", Search: "tag=start"},
			{Name: "VPN", Parent: "All_Sessions", Search: "tag=vpn"},
		}},
		{Name: "Network_Traffic", Datasets: []Dataset{
			{Name: "All_Traffic", Search: "tag=network tag=communicate", Fields: slices.Concat(filled("action", "app", "dest", "dest_ip", "direction", "dvc", "protocol", "rule", "src", "src_ip", "transport", "user", "vendor_product"), plain("bytes", "bytes_in", "bytes_out", "channel", "dest_category", "dest_interface", "dest_mac", "dest_port", "dest_translated_ip", "dest_translated_port", "dest_zone", "duration", "dvc_ip", "dvc_mac", "dvc_zone", "flow_id", "icmp_code", "icmp_type", "packets", "packets_in", "packets_out", "process_id", "protocol_version", "response_time", "session_id", "src_category", "src_interface", "src_mac", "src_port", "src_translated_ip", "src_translated_port", "src_zone", "ssid", "tag", "tcp_flag", "tos", "ttl", "vlan", "wifi"))},
			{Name: "Allowed_Traffic", Parent: "All_Traffic", Search: "action=allowed"},
			{Name: "Blocked_Traffic", Parent: "All_Traffic", Search: "action=blocked"},
		}},
		{Name: "Performance", Datasets: []Dataset{
			{Name: "All_Performance", Search: "tag=performance (tag=cpu OR tag=facilities OR tag=memory OR tag=storage OR tag=network OR (tag=os tag=time tag=synchronize) OR (tag=os tag=uptime))", Fields: slices.Concat(filled("dest"), plain("hypervisor_id", "resource_type", "tag"))},
			{Name: "CPU", Parent: "All_Performance", Search: "tag=cpu", Fields: plain("cpu_load_mhz", "cpu_load_percent", "cpu_time", "cpu_user_percent")},
			{Name: "Facilities", Parent: "All_Performance", Search: "tag=facilities", Fields: plain("fan_speed", "power", "temperature")},
			{Name: "Memory", Parent: "All_Performance", Search: "tag=memory", Fields: plain("mem", "mem_committed", "mem_free", "mem_used", "swap", "swap_free", "swap_used")},
			{Name: "Network", Parent: "All_Performance", Search: "tag=network", Fields: plain("thruput", "thruput_max")},
			{Name: "OS", Parent: "All_Performance", Search: "tag=os", Fields: plain("signature")},
			{Name: "Storage", Parent: "All_Performance", Search: "tag=storage", Fields: plain("array", "blocksize", "cluster", "fd_max", "fd_used", "latency", "mount", "parent", "read_blocks", "read_latency", "read_ops", "storage", "storage_free", "storage_free_percent", "storage_used", "storage_used_percent", "total_ops", "write_blocks", "write_latency", "write_ops")},
			{Name: "Timesync", Parent: "OS", Search: "tag=time tag=synchronize", Fields: filled("action")},
			{Name: "Uptime", Parent: "OS", Search: "tag=uptime", Fields: plain("uptime")},
		}},
		// What a search collects into the index risk is one of its events.
		{Name: "Risk", Datasets: []Dataset{
			{Name: "All_Risk", Search: "index=risk", Fields: plain("analyticstories", "annotations.mitre_attack.mitre_tactic", "annotations.mitre_attack.mitre_tactic_id", "annotations.mitre_attack.mitre_technique", "annotations.mitre_attack.mitre_technique_id", "calculated_risk_score", "control", "creator", "description", "governance", "normalized_risk_object", "risk_factor_add", "risk_factor_mult", "risk_message", "risk_object", "risk_object_type", "risk_score", "savedsearch_description", "tag", "threat_object", "threat_object_type")},
		}},
		{Name: "Splunk_Audit", Datasets: []Dataset{
			{Name: "Scheduler_Activity", Search: "index=_internal sourcetype=scheduler", Fields: plain("app", "host", "run_time", "savedsearch_name", "status", "user")},
			{Name: "Search_Activity", Search: "index=_audit action=search (info=granted OR info=completed)", Fields: plain("host", "info", "search", "search_type", "source", "sourcetype", "user")},
			{Name: "View_Activity", Search: "index=_internal sourcetype=splunk_web_access", Fields: plain("app", "spent", "user", "view")},
			{Name: "Web_Service_Errors", Search: "index=_internal sourcetype=splunk_web_service", Fields: plain("event_id", "host", "source", "sourcetype")},
		}},
		{Name: "Threat_Intelligence", Datasets: []Dataset{
			{Name: "Threat_Activity", Search: "index=threat_activity", Fields: slices.Concat(filled("dest", "src", "threat_category", "threat_collection", "threat_description", "threat_group", "threat_key", "threat_match_field", "threat_match_value", "user"), plain("tag", "weight"))},
		}},
		{Name: "Ticket_Management", Datasets: []Dataset{
			{Name: "All_Ticket_Management", Search: "tag=ticketing", Fields: slices.Concat(filled("affect_dest", "assigned_to", "description", "dest", "priority", "severity", "splunk_id", "splunk_realm", "src_user", "status", "ticket_id", "user"), plain("comments", "tag", "time_submitted"))},
			{Name: "Change", Parent: "All_Ticket_Management", Search: "tag=change", Fields: filled("change")},
			{Name: "Incident", Parent: "All_Ticket_Management", Search: "tag=incident", Fields: filled("incident")},
			{Name: "Problem", Parent: "All_Ticket_Management", Search: "tag=problem", Fields: filled("problem")},
		}},
		{Name: "Updates", Datasets: []Dataset{
			{Name: "Updates", Search: "tag=update tag=status", Fields: slices.Concat(filled("dest", "dvc", "signature", "status", "vendor_product"), plain("file_hash", "file_name", "severity", "severity_id", "signature_id", "tag"))},
			{Name: "Update_Errors", Search: "tag=update tag=error", Fields: slices.Concat(filled("dest", "dvc", "signature", "status", "vendor_product"), plain("tag"))},
		}},
		{Name: "Vulnerabilities", Datasets: []Dataset{
			{Name: "Vulnerabilities", Search: "tag=report tag=vulnerability", Fields: slices.Concat(filled("category", "dest", "dvc", "os", "severity", "signature", "user", "vendor_product"), plain("bugtraq", "cert", "cve", "cvss", "msft", "mskb", "severity_id", "signature_id", "tag", "url", "xref"))},
			{Name: "High_Critical_Vulnerabilities", Parent: "Vulnerabilities", Search: "severity=high OR severity=critical"},
		}},
		{Name: "Web", Datasets: []Dataset{
			{Name: "Web", Search: "tag=web", Fields: slices.Concat(filled("action", "app", "category", "dest", "http_content_type", "http_method", "http_referrer", "http_user_agent", "site", "src", "status", "uri_path", "url", "url_domain", "user", "vendor_product"), plain("bytes", "bytes_in", "bytes_out", "cached", "cookie", "dest_port", "duration", "error_code", "http_referrer_domain", "http_user_agent_length", "operation", "response_time", "src_port", "storage_name", "tag", "uri_query", "url_length"))},
			{Name: "Proxy", Parent: "Web", Search: "tag=proxy"},
			{Name: "Storage", Parent: "Web", Search: "tag=storage"},
		}},
	}
}
