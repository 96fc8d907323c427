<#import "template.ftl" as layout>
<#import "field.ftl" as field>
<#import "user-profile-commons.ftl" as userProfileCommons>
<@layout.registrationLayout displayMessage=messagesPerField.exists('global'); section>
    <#if section = "header">
        ${msg("registerTitle")}
    <#elseif section = "form">
        <p>${msg("registerLead")}</p>
        <form id="kc-register-form" class="form" action="${url.registrationAction}" method="post" novalidate>
            <@userProfileCommons.userProfileFormFields/>
            <#if passwordRequired??>
                <@field.password name="password" label=msg("password") autocomplete="new-password" hint=msg("passwordHint") />
                <@field.password name="password-confirm" label=msg("passwordConfirm") autocomplete="new-password" />
            </#if>
            <p class="button-row"><button type="submit" class="button">${msg("doRegister")}</button></p>
        </form>
        <p><a href="${url.loginUrl}">${msg("alreadyRegistered")}</a></p>
    </#if>
</@layout.registrationLayout>
