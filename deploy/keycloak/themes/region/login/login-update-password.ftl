<#import "template.ftl" as layout>
<#import "field.ftl" as field>
<#import "password-commons.ftl" as passwordCommons>
<@layout.registrationLayout displayMessage=!messagesPerField.existsError('password','password-confirm'); section>
    <#if section = "header">
        ${msg("updatePasswordTitle")}
    <#elseif section = "form">
        <form id="kc-passwd-update-form" class="form" action="${url.loginAction}" method="post" novalidate>
            <#-- For password managers, which keep the new one under it. -->
            <input type="text" name="username" autocomplete="username" value="${(user.email)!''}" hidden readonly>
            <@field.password name="password-new" label=msg("passwordNew") fieldName="password" autocomplete="new-password" autofocus=true hint=msg("passwordHint") />
            <@field.password name="password-confirm" label=msg("passwordConfirm") autocomplete="new-password" />
            <@passwordCommons.logoutOtherSessions/>
            <p class="button-row">
                <button type="submit" class="button" id="kc-submit">${msg("doSave")}</button>
                <#if isAppInitiatedAction??><button type="submit" class="button button--secondary" name="cancel-aia" value="true">${msg("doCancel")}</button></#if>
            </p>
        </form>
    </#if>
</@layout.registrationLayout>
