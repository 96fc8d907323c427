<#import "field.ftl" as field>
<#macro logoutOtherSessions>
    <@field.checkbox name="logout-sessions" label=msg("logoutOtherSessions") value=true />
</#macro>
