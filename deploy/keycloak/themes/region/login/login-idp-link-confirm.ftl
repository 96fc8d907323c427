<#import "template.ftl" as layout>
<#-- A question, not a fault: two equal answers. -->
<@layout.registrationLayout displayMessage=false; section>
    <#if section = "header">
        ${msg("confirmLinkIdpTitle")}
    <#elseif section = "form">
        <p>${msg("federatedIdentityConfirmLinkMessage")}</p>
        <form id="kc-register-form" class="stack" action="${url.loginAction}" method="post">
            <p><button type="submit" class="button button--secondary" name="submitAction" id="linkAccount" value="linkAccount">${msg("confirmLinkIdpContinue")}</button></p>
            <#if !hideReviewButton?has_content>
            <p><button type="submit" class="button button--secondary" name="submitAction" id="updateProfile" value="updateProfile">${msg("confirmLinkIdpReviewProfile")}</button></p>
            </#if>
        </form>
    </#if>
</@layout.registrationLayout>
