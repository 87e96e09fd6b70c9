package knowledge

import "strings"

// shipped are lookups that published searches read, and that are maintained by
// another search or by Splunk's own apps. They are empty until a folder has the
// file, so that such a search runs from the first day.
var shipped = map[string]string{
	"previously_seen_aws_cross_account_activity":           "firstTime,lastTime,requestingAccountId,requestedAccountId",
	"previously_seen_cloud_api_calls_per_user_role":        "user,command,firstTimeSeen,lastTimeSeen,enough_data",
	"previously_seen_cloud_compute_creations_by_user":      "user,firstTimeSeen,lastTimeSeen,enough_data",
	"previously_seen_cloud_compute_images":                 "image_id,firstTimeSeen,lastTimeSeen,enough_data",
	"previously_seen_cloud_compute_instance_types":         "instance_type,firstTimeSeen,lastTimeSeen,enough_data",
	"previously_seen_cloud_instance_modifications_by_user": "user,firstTimeSeen,lastTimeSeen,enough_data",
	"previously_seen_cloud_provisioning_activity_sources":  "src,City,Region,Country,firstTimeSeen,lastTimeSeen,enough_data",
	"previously_seen_cloud_regions":                        "vendor_region,firstTimeSeen,lastTimeSeen,enough_data",
	"previously_seen_users_console_logins":                 "user,src,City,Region,Country,firstTime,lastTime",

	"previously_seen_api_calls_from_user_roles":       "userName,eventName,earliest,latest",
	"previously_seen_users_console_logins_cloudtrail": "user,firstTime,lastTime",
	"previously_seen_ec2_modifications_by_user":       "arn,firstTime,lastTime",
	"previously_seen_S3_access_from_remote_ip":        "bucket_name,remote_ip,firstTime,lastTime",
	"previously_seen_aws_regions.csv":                 "awsRegion,earliest,latest",
	"previously_seen_ec2_amis.csv":                    "amiID,firstTime,lastTime",
	"previously_seen_ec2_instance_types.csv":          "instanceType,earliest,latest",
	"previously_seen_ec2_launches_by_user.csv":        "arn,firstTime,lastTime",
	"previously_seen_provisioning_activity_src.csv":   "sourceIPAddress,City,Region,Country,firstTime,lastTime",
	"api_call_by_user_baseline":                       "arn,latestCount,numDataPoints,avgApiCalls,stdevApiCalls",
	"network_acl_activity_baseline":                   "arn,latestCount,numDataPoints,avgApiCalls,stdevApiCalls",
	"security_group_activity_baseline":                "arn,latestCount,numDataPoints,avgApiCalls,stdevApiCalls",
	"s3_deletion_baseline":                            "arn,latestCount,numDataPoints,avgApiCalls,stdevApiCalls",

	"aws_service_accounts":     "identity",
	"asset_lookup_by_str":      "key,asset,ip,mac,nt_host,dns,owner,priority,category,bunit",
	"asset_lookup_by_cidr":     "key,asset,ip,mac,nt_host,dns,owner,priority,category,bunit",
	"identity_lookup_expanded": "identity,key,email,first,last,category,priority,bunit,watchlist,startDate,endDate,user_status",
}

// shippedDefinition returns the definition of a shipped lookup, or nil for
// other names.
func shippedDefinition(name string) *definition {
	columns, ok := shipped[name]
	if !ok {
		return nil
	}
	d, err := newDefinition(strings.TrimSuffix(name, ".csv"), map[string]string{"external_type": "kvstore", "fields_list": columns})
	if err != nil {
		return nil // a test checks the names
	}
	return d
}
