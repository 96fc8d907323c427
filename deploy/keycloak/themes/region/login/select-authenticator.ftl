<#import "template.ftl" as layout>
<@layout.registrationLayout; section>
    <#if section = "header">
        ${msg("loginChooseAuthenticator")}
    <#elseif section = "form">
        <ul class="list-plain stack">
            <#list auth.authenticationSelections as one>
            <li>
                <form action="${url.loginAction}" method="post">
                    <input type="hidden" name="authenticationExecution" value="${one.authExecId}">
                    <button type="submit" class="button button--secondary">${msg(one.displayName)}</button>
                    <p class="muted">${msg(one.helpText)}</p>
                </form>
            </li>
            </#list>
        </ul>
    </#if>
</@layout.registrationLayout>
