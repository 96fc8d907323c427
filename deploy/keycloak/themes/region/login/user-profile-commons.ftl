<#import "field.ftl" as field>
<#-- The fields of the realm's user profile. Nobody chooses a user name: it is opaque, and made here where there is
     none yet, from two values that Keycloak draws at random for this visit. -->
<#function madeName address>
    <#local parts = address?matches("session_code=([^&]+).*tab_id=([^&]+)")>
    <#list parts as part><#return ("r-" + part?groups[2] + part?groups[1]?substring(0, 8))?lower_case?replace("[^a-z0-9-]", "-", "r")></#list>
    <#return "">
</#function>

<#macro userProfileFormFields>
    <#list profile.attributes as attribute>
        <#if attribute.name == "username">
            <input type="hidden" name="username" value="<#if pageId! == "register" || !(attribute.value?has_content)>${madeName(url.registrationAction!url.loginAction)}<#else>${attribute.value}</#if>">
            <#if messagesPerField.existsError('username')><p class="form__error" role="alert">${msg("sendAgain")}</p></#if>
            <#nested "afterField" attribute>
        <#elseif attribute.name == "locale">
            <input type="hidden" name="locale" value="${locale.currentLanguageTag}">
        <#else>
            <#nested "beforeField" attribute>
            <@field.input name=attribute.name label=advancedMsg(attribute.displayName!'') value=attribute.value!''
                type=(attribute.name == "email")?then("email", "text") autocomplete=(attribute.name == "email")?then("email", "off")
                error=kcSanitize(messagesPerField.get(attribute.name)) hint=(attribute.name == "email")?then(msg("emailHint"), "") autofocus=(attribute.name == "email") />
        </#if>
    </#list>
</#macro>
